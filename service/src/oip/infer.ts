import { cacheNamespace } from "../cache/keys.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ModelRepository } from "../model/model-repository.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import { intervalSteps } from "../routes/interval-steps.ts";
import type { Limits } from "../routes/limits.ts";
import type { PredictionSteps, Predictor } from "../routes/prediction.ts";
import { flatWriter } from "../routes/write-predictions.ts";
import type { InferenceRequest } from "../tensors/inference-reader.ts";
import { encodeFor, receiveDecoded } from "../wire/encodings.ts";
import { refusal } from "../wire/refusal.ts";
import { type SentRequest, sentRequest } from "../wire/sent-request.ts";
import { describeInfer } from "./describe-infer.ts";
import { findModel } from "./find-model.ts";
import { joinNumbers, readResponse, writeResponse } from "./inference-response.ts";
import { modelPathOf } from "./model-path.ts";

/** The dependencies of {@link inferEndpoints}. */
export interface InferDependencies {
  readonly models: ModelRepository;
  readonly limits: Limits;
}

const lengthHeader = "inference-header-content-length";

/**
 * Returns the length of a request's JSON; undefined if the whole body is JSON.
 *
 * @throws {Refusal} 400
 */
function headerBytesOf(request: SentRequest): number | undefined {
  const length = request.header(lengthHeader);
  if (length === undefined) return undefined;
  if (/^\d{1,15}$/.test(length)) return Number(length);
  throw refusal(
    400,
    `Inference-Header-Content-Length must be a number of bytes, not ${JSON.stringify(length.slice(0, 100))}`,
  );
}

/** In cache keys. */
const endpoint = "infer";

/** How an inference request is received, read and answered. */
function stepsOf(
  name: string,
  model: LoadedModel,
  headerBytes: number | undefined,
  maxBodyBytes: number,
): PredictionSteps {
  const { engine, version, cacheVersions, tensorReader } = model;
  let inference: InferenceRequest | undefined;

  function matrixOf(read: InferenceRequest) {
    inference = read;
    const { level, matrix } = read;
    if (level !== undefined) {
      Object.assign(steps, intervalSteps(model, level, endpoint, flatWriter, joinNumbers));
    }
    return matrix;
  }
  const steps: PredictionSteps = {
    namespace: cacheNamespace(cacheVersions.numbers, endpoint),
    // The response contains the name of the file.
    bodyNamespace: cacheNamespace(cacheVersions.bodies, `${endpoint}:${name}`),
    shape: "many",
    engine,
    receive: (request, grant) => receiveDecoded(request, maxBodyBytes, grant),
    digest: (sent) => `${sent.digest()}:${headerBytes}`,
    read(sent, client) {
      const read = tensorReader.read(sent, headerBytes, client);
      return read instanceof Promise ? read.then(matrixOf) : matrixOf(read);
    },
    predictionsIn: (rows) => rows,
    // The protocol's lists are flat.
    write: (predictions) => flatWriter.write(predictions),
    respond(numbers) {
      if (inference === undefined) throw new Error("the request has not been read");
      const { id, outputs, level, matrix } = inference;
      const rows = matrix.length / engine.columns;
      const hasIntervals = level !== undefined;
      return writeResponse(
        { modelName: name, modelVersion: version, id, outputs, hasIntervals, rows },
        numbers,
      );
    },
  };
  return steps;
}

/** `POST /v2/models/{name}/infer`, also with the model's version in the path. */
export function inferEndpoints(
  { models, limits }: InferDependencies,
  predictor: Predictor,
): readonly Endpoint[] {
  const paths = ["/v2/models/:name/infer", "/v2/models/:name/versions/:version/infer"];
  return paths.map((path) => ({
    method: "POST",
    path,
    describe: describeInfer(path, limits),
    async handle(c) {
      const request = sentRequest(c);
      const named = await modelPathOf(c);
      const answer = await predictor.answer(request, findModel(models, named).served, (model) =>
        stepsOf(named.name, model, headerBytesOf(request), limits.maxBodyBytes),
      );
      const response = readResponse(answer.body);
      const encoded = await encodeFor(request, response.body);
      return {
        ...answer,
        body: encoded.body,
        headers: { ...answer.headers, ...response.headers, ...encoded.headers },
      };
    },
  }));
}
