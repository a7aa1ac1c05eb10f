import type { Context } from "hono";
import type { RouterRoute } from "hono/types";
import type { NodeEnvironment } from "../wire/sent-request.ts";

function methodsByPath(routes: readonly RouterRoute[]): ReadonlyMap<string, string> {
  const methods = new Map<string, string>();
  for (const { path, method } of routes) {
    if (method !== "ALL") methods.set(path, method === "GET" ? "GET, HEAD" : method);
  }
  return methods;
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** By index, since a pattern for the end of a text tries at every slash within it. */
function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/**
 * Answers what none of the routes takes, as FastAPI does: 307 from a known path with trailing
 * slashes to the one without, 405 for a known path with another method, else 404.
 */
export function answerUnmatched<E extends NodeEnvironment>(
  routes: readonly RouterRoute[],
): (c: Context<E>) => Response {
  const methods = methodsByPath(routes);
  return function answerUnmatched(c) {
    const path = decode(c.req.path);
    const canonical = path && withoutTrailingSlashes(path);
    const allow = canonical === undefined ? undefined : methods.get(canonical);
    if (canonical === undefined || allow === undefined) {
      return c.json({ detail: "Not Found" }, 404);
    }
    if (path !== canonical) {
      // A URL parser would have written some of its characters otherwise.
      const asSent = c.env?.incoming?.url ?? c.req.url;
      const [query = ""] = /\?[^#]+/.exec(asSent) ?? [];
      return c.redirect(canonical + query, 307);
    }
    return c.json({ detail: "Method Not Allowed" }, 405, { Allow: allow });
  };
}
