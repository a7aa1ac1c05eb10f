import { z } from "zod";
import { refusal } from "../wire/refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import { json } from "./exchange.ts";
import { methodNotAllowed, response } from "./openapi-parts.ts";

/** The response body of `/health`. */
export const Health = z.strictObject({ time: z.iso.datetime({ offset: true }) });

/**
 * `GET /health`: 200 with the time, 503 while draining. It does not check Redis, since the service
 * does not need it.
 */
export function healthEndpoint({ isDraining }: { readonly isDraining: () => boolean }): Endpoint {
  return {
    method: "GET",
    path: "/health",
    group: "health",
    handle() {
      if (isDraining()) throw refusal(503, "Service Unavailable");
      const time = new Date().toISOString().replace("Z", "+00:00");
      return json({ time } satisfies z.infer<typeof Health>);
    },
    describe: () => ({
      schemas: { Health },
      operation: {
        operationId: "health_health_get",
        summary: "Check whether the service accepts requests",
        tags: ["service"],
        responses: {
          200: response("The service accepts requests. The time is in UTC", "Health"),
          405: methodNotAllowed,
          503: response("The service is shutting down", "HTTPError"),
        },
      },
    }),
  };
}
