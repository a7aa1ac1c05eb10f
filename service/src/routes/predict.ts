import { cacheNamespace } from "../cache/keys.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import type { BodyShape } from "../records/reader.ts";
import { readBody } from "../wire/body.ts";
import { sentRequest } from "../wire/sent-request.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Limits, maxRecordBodyBytes } from "./limits.ts";
import { describeBulkPredict, describePredict } from "./predict-openapi.ts";
import type { PredictionSteps, Predictor } from "./prediction.ts";
import { PredictionWriter } from "./write-predictions.ts";

/** The dependencies of {@link predictEndpoints}. */
export interface PredictDependencies {
  readonly defaultModel: ServedModel;
  readonly limits: Limits;
}

/** How the two prediction endpoints differ. */
interface Kind {
  readonly name: string;
  readonly shape: BodyShape;
  readonly maxBodyBytes: number;
  /** Wraps the JSON of the predictions into the response body. */
  readonly wrap: (predictions: string) => string;
  readonly describe: NonNullable<Endpoint["describe"]>;
}

function stepsFor({ name, shape, maxBodyBytes, wrap }: Kind, model: LoadedModel): PredictionSteps {
  const writer = new PredictionWriter(model.engine);
  return {
    namespace: cacheNamespace(model.cacheVersions.numbers, name),
    bodyNamespace: cacheNamespace(model.cacheVersions.bodies, name),
    shape,
    receive: (request, grant) => readBody(request, maxBodyBytes, grant),
    digest: (sent) => sent.digest(),
    read: (sent, client) => model.reader.read(shape, sent, client),
    write(predictions) {
      const json = writer.write(predictions);
      return typeof json === "string" ? wrap(json) : json.then(wrap);
    },
  };
}

/** Creates a value for the latest model, which requests then share. */
function perModel<T>(create: (model: LoadedModel) => T): (model: LoadedModel) => T {
  let latest: { readonly model: LoadedModel; readonly value: T } | undefined;
  return (model) => {
    if (latest?.model !== model) latest = { model, value: create(model) };
    return latest.value;
  };
}

/**
 * `POST /predict` predicts one record, `POST /bulk_predict` a list of records, with the default
 * model.
 */
export function predictEndpoints(
  { defaultModel, limits }: PredictDependencies,
  predictor: Predictor,
): readonly Endpoint[] {
  const kinds: readonly Kind[] = [
    {
      name: "predict",
      shape: "one",
      maxBodyBytes: maxRecordBodyBytes(limits),
      wrap: (prediction) => `{"prediction":${prediction}}`,
      describe: (model) => describePredict(model, limits),
    },
    {
      name: "bulk_predict",
      shape: "many",
      maxBodyBytes: limits.maxBodyBytes,
      wrap: (predictions) => `{"predictions":[${predictions}]}`,
      describe: (model) => describeBulkPredict(model, limits),
    },
  ];
  return kinds.map((kind) => {
    const stepsOf = perModel((model) => stepsFor(kind, model));
    return {
      method: "POST",
      path: `/${kind.name}`,
      describe: kind.describe,
      handle: (c) => predictor.answer(sentRequest(c), defaultModel, stepsOf),
    };
  });
}
