/** What a request allows the cache to do. */
export type CachePolicy = "use" | "refresh" | "bypass";

/** One directive with its optional argument, a token or a quoted string (RFC 9111, 5.2). */
const directive = /([!#$%&'*+\-.^_`|~\w]+)(?:=(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?/g;

/**
 * Reads a request's `Cache-Control`: `no-store` bypasses the cache, `no-cache` asks for a new
 * computation that is stored. Other directives make no difference, since no answer is ever stale.
 */
export function cachePolicy(cacheControl: string | undefined): CachePolicy {
  if (cacheControl === undefined) return "use";
  const names = Array.from(cacheControl.matchAll(directive), ([, name]) => name?.toLowerCase());
  if (names.includes("no-store")) return "bypass";
  return names.includes("no-cache") ? "refresh" : "use";
}
