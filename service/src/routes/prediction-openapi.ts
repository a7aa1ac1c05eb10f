import type { Json } from "./endpoint.ts";
import type { Limits } from "./limits.ts";
import { header, headerRef, response } from "./openapi-parts.ts";

// What the OpenAPI operations of all endpoints that predict have in common.

/** The parameters of a prediction. */
export const predictionParameters: readonly Json[] = [
  {
    name: "Cache-Control",
    in: "header",
    description:
      "`no-cache` computes the prediction again and stores it; `no-store` does not use the cache (RFC 9111)",
    schema: { type: "string" },
  },
  {
    name: "X-Request-Id",
    in: "header",
    description: "Echoed in the response and logged, if it is valid and has at most 255 characters",
    schema: { type: "string" },
  },
];

const headerNames = [
  "X-Model-Version",
  "X-Cache",
  "Cache-Status",
  "Server-Timing",
  "X-Out-Of-Range",
];

/** Describes a response with predictions. */
export const predictionResponse = (schema: string, headers: Readonly<Record<string, Json>> = {}) =>
  response("The prediction", schema, {
    ...Object.fromEntries(headerNames.map((name) => [name, headerRef(name)])),
    ...headers,
  });

const retryAfter = header("Seconds to wait before trying again", { type: "integer" });

/**
 * Describes the responses to requests that exceed a limit.
 *
 * @param error the schema of errors
 */
export const limitResponses = (limits: Limits, maxBodyBytes: number, error: string): Json => ({
  413: response(`The body is longer than ${maxBodyBytes} bytes`, error),
  503: response(
    `${limits.maxConcurrentRequests} requests or ${limits.maxBytesInFlight} bytes of bodies are in flight, or the prediction would wait longer than ${limits.maxWaitMs} ms for others`,
    error,
    { "Retry-After": retryAfter },
  ),
  504: response(`No response within ${limits.requestTimeoutMs} ms`, error),
});
