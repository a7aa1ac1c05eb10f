import type { Context, Hono } from "hono";

function methodsByPath(app: Hono): ReadonlyMap<string, string> {
  const methods = new Map<string, string>();
  for (const { path, method } of app.routes) {
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

/**
 * Answers what no route of the app takes, as FastAPI does: 307 from a known path with trailing
 * slashes to the one without, 405 for a known path with another method, else 404.
 */
export function answerUnmatched(app: Hono): (c: Context) => Response {
  const methods = methodsByPath(app);
  return function answerUnmatched(c) {
    const path = decode(c.req.path);
    const canonical = path?.replace(/\/+$/, "");
    const allow = canonical === undefined ? undefined : methods.get(canonical);
    if (canonical === undefined || allow === undefined) {
      return c.json({ detail: "Not Found" }, 404);
    }
    if (path !== canonical) return c.redirect(canonical + new URL(c.req.url).search, 307);
    return c.json({ detail: "Method Not Allowed" }, 405, { Allow: allow });
  };
}
