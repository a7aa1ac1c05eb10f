import { cacheNamespace } from "../cache/keys.ts";
import type { Engine, Predictions } from "../model/engine.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import type { BodyShape } from "../records/reader.ts";
import { readBody } from "../wire/body.ts";
import { sentRequest } from "../wire/sent-request.ts";
import type { Endpoint } from "./endpoint.ts";
import { type IntervalSteps, intervalOf, intervalSteps, levelOf } from "./interval-steps.ts";
import type { PredictionSteps, Predictor } from "./prediction.ts";
import { PredictionWriter } from "./write-predictions.ts";

/** How endpoints that take records differ. */
export interface RecordEndpoint {
  readonly name: string;
  readonly shape: BodyShape;
  readonly maxBodyBytes: number;
  /** The maximum number of records in a list. */
  readonly maxRecords: number;
  /** Returns what changes with the response to a row of numbers, for cache keys. */
  readonly versionOf: (model: LoadedModel) => string;
  /** Returns what computes the rows of numbers in the response. */
  readonly engineOf: (model: LoadedModel) => Engine;
  /** Returns what writes them as JSON values, separated by commas. */
  readonly writerOf: (model: LoadedModel) => {
    readonly write: (rows: Predictions) => string | Promise<string>;
  };
  /** Returns the predictions in these rows; absent if there are none. */
  readonly predictionsIn?: (rows: Predictions) => Predictions;
  /** Wraps these values into the response body. */
  readonly wrap: (values: string) => string;
  /** The same for predictions with intervals; absent if the endpoint has none. */
  readonly wrapIntervals?: (predictions: string, intervals: string) => string;
  readonly describe: NonNullable<Endpoint["describe"]>;
}

function stepsFor(kind: RecordEndpoint, model: LoadedModel): PredictionSteps {
  const { name, shape, maxBodyBytes, maxRecords, wrap } = kind;
  const writer = kind.writerOf(model);
  return {
    namespace: cacheNamespace(kind.versionOf(model), name),
    bodyNamespace: cacheNamespace(model.cacheVersions.bodies, name),
    shape,
    engine: kind.engineOf(model),
    receive: (request, grant) => readBody(request, maxBodyBytes, grant),
    digest: (sent) => sent.digest(),
    read: (sent, client) => model.reader.read(shape, sent, client, maxRecords),
    ...(kind.predictionsIn && { predictionsIn: kind.predictionsIn }),
    write(rows) {
      const json = writer.write(rows);
      return typeof json === "string" ? wrap(json) : json.then(wrap);
    },
  };
}

const pairs = new PredictionWriter({ outputs: 2, isList: true });

/**
 * Returns the steps of a request with the parameter `interval`.
 *
 * @throws {Refusal} 422 if the parameter is invalid, or the model has no intervals
 */
function stepsWithIntervals(
  name: string,
  model: LoadedModel,
  interval: string,
  wrap: (predictions: string, intervals: string) => string,
): IntervalSteps & Pick<PredictionSteps, "bodyNamespace"> {
  const steps = intervalSteps(model, levelOf(model, interval), name, pairs, wrap);
  // The body does not contain the level.
  return { ...steps, bodyNamespace: steps.namespace };
}

/** Creates a value for the latest model, which requests then share. */
function perModel<T>(create: (model: LoadedModel) => T): (model: LoadedModel) => T {
  let latest: { readonly model: LoadedModel; readonly value: T } | undefined;
  return (model) => {
    if (latest?.model !== model) latest = { model, value: create(model) };
    return latest.value;
  };
}

/** Creates an endpoint that takes records of the default model. */
export function recordEndpoint(
  kind: RecordEndpoint,
  defaultModel: ServedModel,
  predictor: Predictor,
): Endpoint {
  const { name, describe, wrapIntervals } = kind;
  const stepsOf = perModel((model) => stepsFor(kind, model));
  return {
    method: "POST",
    path: `/${name}`,
    describe,
    handle(c) {
      const interval = wrapIntervals && intervalOf(c);
      return predictor.answer(
        sentRequest(c),
        defaultModel,
        interval === undefined || wrapIntervals === undefined
          ? stepsOf
          : (model) => ({
              ...stepsOf(model),
              ...stepsWithIntervals(name, model, interval, wrapIntervals),
            }),
      );
    },
  };
}
