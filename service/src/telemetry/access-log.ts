import type { MiddlewareHandler } from "hono";
import type { RequestIdVariables } from "hono/request-id";
import { routePath } from "hono/route";
import type { Logger } from "pino";

/** One line a request; a probe's at level debug, so that it does not drown the others. */
export function accessLog(logger: Logger): MiddlewareHandler<{ Variables: RequestIdVariables }> {
  return async function accessLog(c, next) {
    const start = performance.now();
    try {
      await next();
    } finally {
      const route = routePath(c, -1);
      const level = route === "/health" ? "debug" : "info";
      logger[level](
        {
          requestId: c.get("requestId"),
          method: c.req.method,
          path: c.req.path,
          route,
          status: c.res.status,
          durationMs: Number((performance.now() - start).toFixed(3)),
        },
        "request",
      );
    }
  };
}
