import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { type AccessLog, durationMsSince } from "../telemetry/access-log.ts";
import { requestIdOf } from "../telemetry/request-id.ts";

/** What {@link observe} leaves for the handlers. */
export interface ObservedVariables {
  requestId: string;
}

/** Gives each request its id and its line in the access log; while draining, closes connections. */
export function observe(
  accessLog: AccessLog,
  isDraining: () => boolean,
): MiddlewareHandler<{ Variables: ObservedVariables }> {
  return async function observe(c, next) {
    const start = performance.now();
    const requestId = requestIdOf(c.req.header("x-request-id"));
    c.set("requestId", requestId);
    c.header("X-Request-Id", requestId);
    if (isDraining()) c.header("Connection", "close");
    await next();
    const { method, path } = c.req;
    const { status } = c.res;
    const route = routePath(c, -1);
    const durationMs = durationMsSince(start);
    accessLog({ requestId, method, path, route, status, durationMs });
  };
}
