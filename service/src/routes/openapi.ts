import { z } from "zod";
import type { LoadedModel } from "../model/loaded-model.ts";
import { version } from "../version.ts";
import { type Access, needsToken } from "./authorize.ts";
import { cacheHeaders } from "./cache-headers.ts";
import type { Endpoint, Json, Operation } from "./endpoint.ts";
import { isProtocolPath } from "./exchange.ts";
import { arrivalTimeoutMs, type Limits } from "./limits.ts";
import { badRequest, errorSchemas, header, jsonContent, response } from "./openapi-parts.ts";

const headers = {
  "X-Request-Id": header("The id that the request sent, if it is valid, otherwise a new one", {
    type: "string",
    maxLength: 255,
  }),
  "X-Model-Version": header("SHA-256 of the model", { type: "string", pattern: "^[0-9a-f]{64}$" }),
  "X-Cache": header(
    "Whether the response is from the cache. BYPASS means that the cache was not used",
    {
      type: "string",
      enum: ["HIT", "MISS", "BYPASS"],
    },
  ),
  "Cache-Status": header("What the cache did, in detail (RFC 9211)", {
    type: "string",
    enum: Object.values(cacheHeaders).map((each) => each["Cache-Status"]),
  }),
  "X-Out-Of-Range": header(
    "The features with a value outside the range of the training rows in any record of the request, percent-encoded. Absent if there are none",
    { type: "string", examples: ["MedInc, Latitude"] },
  ),
  "Server-Timing": header("Duration of each phase in milliseconds (W3C Server Timing)", {
    type: "string",
    examples: ["parse;dur=0.041, cache;dur=0.312, inference;dur=0.120"],
  }),
};

function toJsonSchemas(schemas: Readonly<Record<string, z.ZodType>>): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const options = { io: "input", uri: (id: string) => `#/components/schemas/${id}` } as const;
  const documents = Object.entries(z.toJSONSchema(registry, options).schemas);
  return Object.fromEntries(documents.map(([id, { $schema, $id, ...schema }]) => [id, schema]));
}

/** Describes an error response that is sent before the request reaches its handler. */
const earlyResponse = (description: string): Json => ({
  description,
  content: jsonContent("HTTPError"),
});

/** Adds the responses that a request to any endpoint can get. */
function everyOperation(operation: Operation, limits: Limits): Operation {
  const { maxHeaderBytes, requestTimeoutMs } = limits;
  const responses = {
    400: badRequest(),
    408: earlyResponse(
      `The request did not arrive within ${arrivalTimeoutMs(requestTimeoutMs)} ms`,
    ),
    431: earlyResponse(`The request line and headers are longer than ${maxHeaderBytes} bytes`),
    ...operation.responses,
  };
  return { ...operation, responses };
}

/** FastAPI's name of the scheme. */
const bearer = "HTTPBearer";

/** Describes that a request to an endpoint needs a token. */
function protectedOperation(operation: Operation, path: string): Operation {
  const challenge = header("The scheme of the token", { type: "string", const: "Bearer" });
  const error = isProtocolPath(path) ? "ProtocolError" : "HTTPError";
  const unauthorized = response("The request has no valid API token", error, {
    "WWW-Authenticate": challenge,
  });
  return {
    ...operation,
    security: [{ [bearer]: [] }],
    responses: { 401: unauthorized, ...operation.responses },
  };
}

/** Writes a path as in OpenAPI: `/v2/models/{name}`. */
const templateOf = (path: string) => path.replaceAll(/:(\w+)/g, "{$1}");

/** Creates the OpenAPI 3.1 document of the service from the descriptions of its endpoints. */
export function describeApi(
  model: LoadedModel,
  endpoints: readonly Endpoint[],
  limits: Limits,
  access: Access | undefined,
): Json {
  const { card } = model;
  const described = endpoints.flatMap((endpoint) => {
    const { method, path, describe } = endpoint;
    if (describe === undefined) return [];
    const { operation, schemas } = describe(model);
    return {
      method: method.toLowerCase(),
      path: templateOf(path),
      schemas,
      operation: needsToken(access, endpoint) ? protectedOperation(operation, path) : operation,
    };
  });
  const features = card.features.map(({ name }) => name).join(", ");
  return {
    openapi: "3.1.0",
    info: {
      title: "prediction-service",
      version,
      description: `${card.description ?? `The model ${card.name}`}. Predicts from ${features}.`,
      license: { name: "MIT", identifier: "MIT" },
    },
    externalDocs: { url: "/playground", description: "A page to try the model" },
    servers: [{ url: "/" }],
    tags: [{ name: "predictions" }, { name: "service" }],
    paths: Object.fromEntries(
      described.map(({ method, path, operation }) => [
        path,
        { [method]: everyOperation(operation, limits) },
      ]),
    ),
    components: {
      schemas: toJsonSchemas(
        Object.assign({}, errorSchemas(card), ...described.map(({ schemas }) => schemas)),
      ),
      headers,
      ...(access && { securitySchemes: { [bearer]: { type: "http", scheme: "bearer" } } }),
    },
  };
}
