import { type Context, Hono } from "hono";
import type { Logger } from "pino";
import { cachePolicy } from "../cache/cache-control.ts";
import type { ReadThrough } from "../cache/read-through.ts";
import type { Predictor } from "../predictor/predictor.ts";
import type { BodyReader } from "../records/body-reader.ts";
import type { BodyShape } from "../records/reader.ts";
import { type AccessLog, durationMsSince } from "../telemetry/access-log.ts";
import { requestIdOf } from "../telemetry/request-id.ts";
import { readBody, requireJson } from "../wire/body.ts";
import { answerError, type JsonAnswer } from "../wire/error-answer.ts";
import { type NodeEnvironment, type SentRequest, sentRequest } from "../wire/sent-request.ts";
import { maxSmallBytes } from "../wire/sent-body.ts";
import { Admission, type Grant } from "./admission.ts";
import { cacheHeaders } from "./cache-headers.ts";
import { joinNumbers } from "./join-numbers.ts";
import type { Limits } from "./limits.ts";
import { ServerTiming } from "./server-timing.ts";
import { Together } from "./together.ts";

/** What the two prediction routes do differently. */
interface Endpoint {
  readonly name: string;
  readonly shape: BodyShape;
  readonly maxBytes: (limits: Limits) => number;
  readonly write: (predictions: Float32Array) => string | Promise<string>;
}

const predict: Endpoint = {
  name: "predict",
  shape: "one",
  maxBytes: ({ maxBodyBytes, maxRecordBytes }) => Math.min(maxBodyBytes, maxRecordBytes),
  write: ([prediction]) => `{"prediction":${prediction}}`,
};

const bulkPredict: Endpoint = {
  name: "bulk_predict",
  shape: "many",
  maxBytes: ({ maxBodyBytes }) => maxBodyBytes,
  write: async (predictions) => `{"predictions":[${await joinNumbers(predictions)}]}`,
};

/** What the prediction routes need. */
export interface PredictDependencies {
  readonly predictor: Predictor;
  readonly reader: BodyReader;
  readonly cache: ReadThrough;
  readonly logger: Logger;
  readonly accessLog: AccessLog;
  readonly limits: Limits;
  readonly isDraining: () => boolean;
}

/** `POST /predict` for one house, `POST /bulk_predict` for a list, which is one batch. */
export function predictRoutes(deps: PredictDependencies): Hono<NodeEnvironment> {
  const { predictor, reader, cache, logger, accessLog, limits, isDraining } = deps;
  const admission = new Admission(limits);
  const together = new Together();

  async function answer(
    endpoint: Endpoint,
    request: SentRequest,
    grant: Grant,
  ): Promise<JsonAnswer> {
    const { shape, maxBytes, write } = endpoint;
    const sent = await readBody(request, maxBytes(limits), grant.takeBytes);
    grant.beginWork();
    requireJson(sent, request.header("content-type"));
    const timing = new ServerTiming(performance.now());

    function read(): Float32Array | Promise<Float32Array> {
      timing.enter("parse");
      const matrix = reader.read(shape, sent, grant.signal);
      if (matrix instanceof Promise) return matrix.finally(endRead);
      endRead();
      return matrix;
    }
    function endRead(): void {
      grant.releaseBytes();
      timing.enter("cache");
    }

    const found = cache.answer({
      endpoint: endpoint.name,
      policy: cachePolicy(request.header("cache-control")),
      digest: () => sent.digest(),
      read,
      compute: async (matrix) => {
        timing.enter("inference");
        const predictions = await predictor.predict(matrix, grant.signal);
        timing.enter("cache");
        return write(predictions);
      },
    });
    const { body, outcome } = await found;
    if (body.length > maxSmallBytes) admission.holdUntilSent(request, body.length);
    const headers = {
      "X-Model-Version": predictor.modelVersion,
      "Server-Timing": timing.header(),
      ...cacheHeaders[outcome],
    };
    // What comes from a run of the model or from Redis comes together with others anyway.
    if (!(found instanceof Promise)) await together.moment();
    return { status: 200, body, headers };
  }

  async function exchange(endpoint: Endpoint, c: Context<NodeEnvironment>): Promise<Response> {
    const start = performance.now();
    const request = sentRequest(c);
    const requestId = requestIdOf(request.header("x-request-id"));
    const { status, body, headers } = await admission
      .admit(request, (grant) => answer(endpoint, request, grant))
      .catch((error: unknown) => answerError(error, requestId, logger));
    const path = `/${endpoint.name}`;
    const durationMs = durationMsSince(start);
    accessLog({ requestId, method: "POST", path, route: path, status, durationMs });
    return new Response(body, {
      status,
      headers: {
        "Content-Type": "application/json",
        "X-Request-Id": requestId,
        ...headers,
        ...(isDraining() && { Connection: "close" }),
      },
    });
  }

  const routes = new Hono<NodeEnvironment>();
  for (const endpoint of [predict, bulkPredict]) {
    routes.post(`/${endpoint.name}`, (c) => exchange(endpoint, c));
  }
  return routes;
}
