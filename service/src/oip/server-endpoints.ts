import type { z } from "zod";
import type { Endpoint } from "../routes/endpoint.ts";
import { json } from "../routes/exchange.ts";
import { response } from "../routes/openapi-parts.ts";
import { version } from "../version.ts";
import { describe } from "./describe.ts";
import { ServerLive, ServerMetadata, ServerReady } from "./schemas.ts";

const metadata: z.infer<typeof ServerMetadata> = {
  name: "prediction-service",
  version,
  extensions: ["binary_tensor_data", "model_repository"],
};

/** `GET /v2` describes the server. */
const serverMetadata: Endpoint = {
  method: "GET",
  path: "/v2",
  handle: () => json(metadata),
  describe: describe("/v2", {
    operationId: "server_metadata",
    summary: "Describe the server",
    schemas: { ServerMetadata },
    success: response("The server and the protocol extensions that it supports", "ServerMetadata"),
  }),
};

/** `GET /v2/health/live`: 200 as long as the process can answer. */
const serverLive: Endpoint = {
  method: "GET",
  path: "/v2/health/live",
  group: "health",
  handle: () => json({ live: true } satisfies z.infer<typeof ServerLive>),
  describe: describe("/v2/health/live", {
    operationId: "server_live",
    summary: "Check whether the server is running",
    schemas: { ServerLive },
    success: response("The server is running", "ServerLive"),
  }),
};

/** `GET /v2/health/ready`: 200, or 503 while draining. */
function serverReady(isDraining: () => boolean): Endpoint {
  return {
    method: "GET",
    path: "/v2/health/ready",
    group: "health",
    handle() {
      const ready = !isDraining();
      return json({ ready } satisfies z.infer<typeof ServerReady>, ready ? 200 : 503);
    },
    describe: describe("/v2/health/ready", {
      operationId: "server_ready",
      summary: "Check whether the server accepts requests",
      schemas: { ServerReady },
      success: response("The server accepts requests", "ServerReady"),
      errors: { 503: response("The server is shutting down", "ServerReady") },
    }),
  };
}

/** The endpoints that are about the server itself. */
export function serverEndpoints(isDraining: () => boolean): readonly Endpoint[] {
  return [serverMetadata, serverLive, serverReady(isDraining)];
}
