import { z } from "zod";
import { refusal } from "../wire/refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import { json } from "./exchange.ts";
import { methodNotAllowed, response } from "./openapi-parts.ts";

/** The response body of `/health`. */
export const Health = z.strictObject({ time: z.iso.datetime({ offset: true }) });

/**
 * `GET /health`: 200 with the time, 503 while draining. It does not depend on the cache: without Redis
 * the service is ready all the same.
 */
export function healthEndpoint({ isDraining }: { readonly isDraining: () => boolean }): Endpoint {
  return {
    method: "GET",
    path: "/health",
    handle() {
      if (isDraining()) throw refusal(503, "Service Unavailable");
      const time = new Date().toISOString().replace("Z", "+00:00");
      return json({ time } satisfies z.infer<typeof Health>);
    },
    describe: () => ({
      schemas: { Health },
      operation: {
        operationId: "health_health_get",
        summary: "Tell whether the service accepts requests",
        tags: ["service"],
        responses: {
          200: response("It does; the time in UTC", "Health"),
          405: methodNotAllowed,
          503: response("It is stopping", "HTTPError"),
        },
      },
    }),
  };
}
