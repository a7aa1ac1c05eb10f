import { z } from "zod";
import type { CacheStatus } from "../cache/create-cache.ts";
import type { ModelRepository } from "../model/model-repository.ts";
import { version } from "../version.ts";
import type { Endpoint } from "./endpoint.ts";
import { json } from "./exchange.ts";
import { methodNotAllowed, response } from "./openapi-parts.ts";

const Circuit = z.enum(["closed", "open", "half_open"]).meta({
  description:
    "Commands are sent only while the circuit is closed; half-open sends one to test Redis",
});

/** The response body of `/status`. */
export const Status = z.strictObject({
  status: z.enum(["ok", "draining"]),
  version: z.string().meta({ description: "The version of the service" }),
  uptime_seconds: z.number().meta({ description: "The age of the process that responds" }),
  models: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string().meta({ description: "SHA-256 of the ONNX file" }),
      engine: z.string().meta({ description: "What runs the model" }),
    }),
  ),
  cache: z.strictObject({
    memory: z
      .strictObject({ bytes: z.int(), max_bytes: z.int(), entries: z.int() })
      .nullable()
      .meta({ description: "Null if the cache in memory is turned off" }),
    redis: z
      .strictObject({
        connected: z.boolean(),
        circuits: z.strictObject({ get: Circuit, set: Circuit }),
      })
      .nullable()
      .meta({ description: "Null if there is no `REDIS_URL`" }),
  }),
});

/** The dependencies of {@link statusEndpoint}. */
export interface StatusDependencies {
  readonly models: ModelRepository;
  readonly cacheStatus: () => CacheStatus;
  readonly isDraining: () => boolean;
}

/**
 * `GET /status` describes the process that responds, for people and dashboards. It sends nothing to
 * Redis, so it does not fail if Redis does.
 */
export function statusEndpoint(deps: StatusDependencies): Endpoint {
  const { models, cacheStatus, isDraining } = deps;
  return {
    method: "GET",
    path: "/status",
    group: "metrics",
    handle() {
      const { memory, redis } = cacheStatus();
      return json({
        status: isDraining() ? "draining" : "ok",
        version,
        uptime_seconds: process.uptime(),
        models: models.loaded().map((model) => ({
          name: model.card.name,
          version: model.version,
          engine: model.engine.name,
        })),
        cache: {
          memory: memory
            ? { bytes: memory.bytes, max_bytes: memory.maxBytes, entries: memory.entries }
            : null,
          redis: redis ? { connected: redis.isConnected, circuits: redis.circuits } : null,
        },
      } satisfies z.infer<typeof Status>);
    },
    describe: () => ({
      schemas: { Status },
      operation: {
        operationId: "status_status_get",
        summary: "Describe the state of the service",
        description: "For people and dashboards; probes use `/health`.",
        tags: ["service"],
        responses: {
          200: response("The state of the process that responds", "Status"),
          405: methodNotAllowed,
        },
      },
    }),
  };
}
