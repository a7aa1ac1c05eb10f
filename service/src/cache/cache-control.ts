/** What a request allows the cache to do. */
export type CachePolicy = "use" | "refresh" | "bypass";

/** One directive with its optional argument, a token or a quoted string (RFC 9111, 5.2). */
const directive = /([!#$%&'*+\-.^_`|~\w]+)(?:=(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?/g;

/**
 * Reads a request's `Cache-Control`: `no-store` bypasses the cache, `no-cache` computes the
 * prediction again and stores it. Other directives have no effect, since no prediction is ever
 * stale.
 */
export function cachePolicy(cacheControl: string | undefined): CachePolicy {
  if (cacheControl === undefined) return "use";
  let policy: CachePolicy = "use";
  for (const [, name] of cacheControl.matchAll(directive)) {
    const lowerCase = name?.toLowerCase();
    if (lowerCase === "no-store") return "bypass";
    if (lowerCase === "no-cache") policy = "refresh";
  }
  return policy;
}
