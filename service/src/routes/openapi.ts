import { z } from "zod";
import {
  BulkHousePrediction,
  bulkOf,
  exampleHouse,
  featureNames,
  House,
  HousePrediction,
} from "../houses/house.ts";
import { cacheHeaders } from "./cache-headers.ts";
import { Health } from "./health.ts";
import { Hello } from "./hello.ts";
import type { Limits } from "./limits.ts";

type Json = Record<string, unknown>;

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: string, rest: Json = {}): Json => ({
  "application/json": { schema: ref(schema), ...rest },
});
const answer = (description: string, schema: string, rest: Json = {}): Json => ({
  description,
  headers: { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } },
  content: json(schema),
  ...rest,
});
const header = (description: string, schema: Json): Json => ({ description, schema });

const ValidationError = z.object({
  type: z
    .string()
    .meta({ description: "What is wrong, in pydantic's terms", examples: ["missing"] }),
  loc: z.array(z.union([z.string(), z.int()])).meta({
    description: "Where: a path into the request; of malformed JSON the offset in code points",
    examples: [["body", "houses", 3, "Latitude"]],
  }),
  msg: z.string(),
  input: z.unknown().optional().meta({
    description: "The offending value as sent; left out where its JSON is over 4 KiB",
  }),
  ctx: z.record(z.string(), z.unknown()).optional(),
});
const HTTPValidationError = z.object({
  detail: z.array(ValidationError).meta({ description: "At most 1,000 faults" }),
});
const HTTPError = z.object({ detail: z.string() });

const predictionHeaders = {
  "X-Request-Id": header("The request's own id if sent and sane, else a new one", {
    type: "string",
    maxLength: 255,
  }),
  "X-Model-Version": header("SHA-256 of the model that predicted", {
    type: "string",
    pattern: "^[0-9a-f]{64}$",
  }),
  "X-Cache": header("Whether the answer was found in the cache, or the cache was not used", {
    type: "string",
    enum: ["HIT", "MISS", "BYPASS"],
  }),
  "Cache-Status": header("The same in full (RFC 9211)", {
    type: "string",
    enum: Object.values(cacheHeaders).map((headers) => headers["Cache-Status"]),
  }),
  "Server-Timing": header("Milliseconds spent on each phase (W3C Server Timing)", {
    type: "string",
    examples: ["parse;dur=0.041, cache;dur=0.312, inference;dur=0.120"],
  }),
};

const validationFailed = answer("The request is not as described", "HTTPValidationError");
const methodNotAllowed = answer("Another method is asked for; see `Allow`", "HTTPError");

function schemas(limits: Limits): Json {
  const registry = z.registry<{ id: string }>();
  const all = {
    House,
    BulkHouse: bulkOf(House, limits.maxHouses),
    HousePrediction,
    BulkHousePrediction,
    Hello,
    Health,
    ValidationError,
    HTTPValidationError,
    HTTPError,
  };
  for (const [id, schema] of Object.entries(all)) registry.add(schema, { id });
  const options = { io: "input", uri: (id: string) => `#/components/schemas/${id}` } as const;
  const documents = Object.entries(z.toJSONSchema(registry, options).schemas);
  return Object.fromEntries(documents.map(([id, { $schema, $id, ...schema }]) => [id, schema]));
}

function predictionAnswers(limits: Limits, schema: string): Json {
  return {
    200: answer("The prediction, in 100,000 USD", schema, {
      headers: Object.fromEntries(
        Object.keys(predictionHeaders).map((name) => [
          name,
          { $ref: `#/components/headers/${name}` },
        ]),
      ),
    }),
    400: answer(
      "The body is not UTF-8, nests deeper than 900 levels, or has an integer of more than 4,300 digits",
      "HTTPError",
    ),
    405: methodNotAllowed,
    413: answer(`The body is longer than ${limits.maxBodyBytes} bytes`, "HTTPError"),
    415: answer("The body has a `Content-Encoding` other than identity", "HTTPError"),
    422: validationFailed,
    503: answer(`${limits.maxConcurrentRequests} requests are under way`, "HTTPError", {
      headers: {
        "Retry-After": header("Seconds to wait before trying again", { type: "integer" }),
      },
    }),
    504: answer(`No answer within ${limits.requestTimeoutMs} ms`, "HTTPError"),
  };
}

const cacheControl = {
  name: "Cache-Control",
  in: "header",
  description:
    "`no-cache` computes anew and stores, `no-store` neither asks the cache nor stores (RFC 9111)",
  schema: { type: "string" },
};

const requestId = {
  name: "X-Request-Id",
  in: "header",
  description: "Comes back in the answer and stands in the log, where it is sane",
  schema: { type: "string", maxLength: 255 },
};

function post(operation: Json, body: string, example: Json, responses: Json): Json {
  const requestBody = { required: true, content: json(body, { example }) };
  const parameters = [cacheControl, requestId];
  return { post: { tags: ["predictions"], ...operation, parameters, requestBody, responses } };
}

/** The OpenAPI 3.1 description of the service, from the schemas that validate. */
export function describeApi(limits: Limits): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "prediction-service",
      version: "1.0.0",
      description: `Median house values of California block groups (1990 census), predicted from ${featureNames.join(", ")}.`,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [{ name: "predictions" }, { name: "service" }],
    paths: {
      "/predict": post(
        { operationId: "predict_predict_post", summary: "Predict one house" },
        "House",
        exampleHouse,
        predictionAnswers(limits, "HousePrediction"),
      ),
      "/bulk_predict": post(
        {
          operationId: "bulk_predict_bulk_predict_post",
          summary: "Predict a list of houses",
          description:
            "One prediction a house, in the order sent; an empty list gives an empty list.",
        },
        "BulkHouse",
        { houses: [exampleHouse, { ...exampleHouse, MedInc: 3.5, HouseAge: 20 }] },
        predictionAnswers(limits, "BulkHousePrediction"),
      ),
      "/hello": {
        get: {
          operationId: "hello_hello_get",
          summary: "Greet",
          tags: ["service"],
          parameters: [
            {
              name: "name",
              in: "query",
              required: true,
              description: "Taken as it is; of a repeated name the last counts",
              schema: { type: "string" },
              example: "World",
            },
          ],
          responses: {
            200: answer("The greeting", "Hello"),
            405: methodNotAllowed,
            422: validationFailed,
          },
        },
      },
      "/health": {
        get: {
          operationId: "health_health_get",
          summary: "Tell whether the service takes requests",
          tags: ["service"],
          responses: {
            200: answer("It does; the time in UTC", "Health"),
            405: methodNotAllowed,
            503: answer("It is stopping", "HTTPError"),
          },
        },
      },
    },
    components: {
      schemas: schemas(limits),
      headers: predictionHeaders,
    },
  };
}
