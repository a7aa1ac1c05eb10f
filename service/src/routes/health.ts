import { Hono } from "hono";
import { z } from "zod";
import { refusal } from "../wire/refusal.ts";

/** The answer of `/health`. */
export const Health = z.strictObject({ time: z.iso.datetime({ offset: true }) });

/**
 * `GET /health`: 200 with the time, 503 while draining. It asks nothing of the cache: without Redis
 * the service is ready all the same.
 */
export function healthRoutes({ isDraining }: { isDraining: () => boolean }): Hono {
  return new Hono().get("/health", (c) => {
    if (isDraining()) throw refusal(503, "Service Unavailable");
    const time = new Date().toISOString().replace("Z", "+00:00");
    return c.json<z.infer<typeof Health>>({ time });
  });
}
