import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { Refusal } from "../wire/refusal.ts";

/** The bounds that a request must keep to. */
export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxHouses: number;
  readonly maxConcurrentRequests: number;
  readonly requestTimeoutMs: number;
}

/** Answers 503 with `Retry-After` (RFC 9110, 10.2.3) while `max` requests are under way. */
export function limitConcurrency(max: number): MiddlewareHandler {
  let underWay = 0;
  return async function limitConcurrency(_c, next) {
    if (underWay >= max) {
      throw new Refusal(503, "Service Unavailable", { "Retry-After": "1" });
    }
    underWay++;
    try {
      await next();
    } finally {
      underWay--;
    }
  };
}

/** Answers 504 where no answer is ready in time. What was begun runs to its end, unheard. */
export function limitTime(maxMs: number): MiddlewareHandler {
  return timeout(maxMs, new HTTPException(504, { message: "Gateway Timeout" }));
}
