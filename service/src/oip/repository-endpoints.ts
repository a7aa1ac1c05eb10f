import type { z } from "zod";
import { ModelError } from "../model/model-error.ts";
import { type ModelRepository, UnknownModelError } from "../model/model-repository.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import { json, type RequestContext } from "../routes/exchange.ts";
import { jsonContent, response } from "../routes/openapi-parts.ts";
import { receiveBody } from "../wire/body.ts";
import { parseOrRefuse } from "../wire/parse-or-refuse.ts";
import { refusal } from "../wire/refusal.ts";
import { type SentRequest, sentRequest } from "../wire/sent-request.ts";
import { type Description, describe, invalidRequest, protocolError } from "./describe.ts";
import { modelPathOf } from "./model-path.ts";
import {
  IndexRequest,
  LoadRequest,
  ModelLoaded,
  ModelUnloaded,
  RepositoryIndex,
  UnloadRequest,
} from "./schemas.ts";

/** These requests are short. */
const maxBodyBytes = 64 * 1024;

/**
 * Receives a JSON body of any content type. An empty body is an empty object.
 *
 * @throws {Refusal} 400, 413
 */
async function receive<T>(request: SentRequest, schema: z.ZodType<T>): Promise<T> {
  const sent = await receiveBody(request, maxBodyBytes);
  let body: unknown;
  try {
    body = sent.length === 0 ? {} : JSON.parse(sent.bytes().toString());
  } catch (error) {
    throw refusal(400, `the JSON is invalid: ${error}`);
  }
  return parseOrRefuse(schema, body);
}

/** @throws {Refusal} 404 for an unknown model; 400 for one that cannot be served */
function rethrow(error: unknown): never {
  if (error instanceof UnknownModelError) throw refusal(404, error.message);
  if (error instanceof ModelError) throw refusal(400, error.message);
  throw error;
}

/** The dependencies of {@link repositoryEndpoints}. */
export interface RepositoryDependencies {
  readonly models: ModelRepository;
  readonly modelControl: "none" | "explicit";
}

/** `POST /v2/repository/index`, `…/models/{name}/load` and `…/models/{name}/unload`. */
export function repositoryEndpoints({
  models,
  modelControl,
}: RepositoryDependencies): readonly Endpoint[] {
  function endpoint<T>(
    path: string,
    [requestName, schema]: readonly [name: string, schema: z.ZodType<T>],
    description: Pick<Description, "operationId" | "summary" | "success" | "schemas">,
    answer: (body: T, c: RequestContext) => Promise<unknown>,
  ): Endpoint {
    return {
      method: "POST",
      path,
      async handle(c) {
        if (modelControl === "none") {
          throw refusal(404, "the model repository is off; MODEL_CONTROL=explicit turns it on");
        }
        const body = await receive(sentRequest(c), schema);
        return json(await answer(body, c).catch(rethrow));
      },
      describe: describe(path, {
        ...description,
        schemas: { ...description.schemas, [requestName]: schema },
        requestBody: { content: jsonContent(requestName) },
        errors: {
          400: invalidRequest(
            "The body is invalid, or the model cannot be served. The error says why",
          ),
          404: protocolError("MODEL_CONTROL is not `explicit`, or the model is unknown"),
          413: protocolError(`The body is longer than ${maxBodyBytes} bytes`),
        },
      }),
    };
  }

  return [
    endpoint(
      "/v2/repository/index",
      ["IndexRequest", IndexRequest],
      {
        operationId: "repository_index",
        summary: "List the models",
        schemas: { RepositoryIndex },
        success: response("The models, by name", "RepositoryIndex"),
      },
      async ({ ready }) => {
        const states = await models.states();
        return ready ? states.filter(({ state }) => state === "READY") : states;
      },
    ),
    endpoint(
      "/v2/repository/models/:name/load",
      ["LoadRequest", LoadRequest],
      {
        operationId: "repository_load",
        summary: "Load the current version of a model's files",
        schemas: { ModelLoaded },
        success: response(
          "The model is loaded. Requests in flight finish with the previous version",
          "ModelLoaded",
        ),
      },
      async (_, c) => {
        const { name } = await modelPathOf(c);
        await models.load(name);
        return { name, load: true } satisfies z.infer<typeof ModelLoaded>;
      },
    ),
    endpoint(
      "/v2/repository/models/:name/unload",
      ["UnloadRequest", UnloadRequest],
      {
        operationId: "repository_unload",
        summary: "Stop serving a model",
        schemas: { ModelUnloaded },
        success: response(
          "The model is no longer served. Requests in flight finish",
          "ModelUnloaded",
        ),
      },
      async (_, c) => {
        const { name } = await modelPathOf(c);
        await models.unload(name);
        return { name, unload: true } satisfies z.infer<typeof ModelUnloaded>;
      },
    ),
  ];
}
