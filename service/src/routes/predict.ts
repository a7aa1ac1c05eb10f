import type { Predictions } from "../model/engine.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Limits, maxRecordBodyBytes } from "./limits.ts";
import { describeBulkPredict, describePredict } from "./predict-openapi.ts";
import type { Predictor } from "./prediction.ts";
import { type RecordEndpoint, recordEndpoint } from "./record-endpoint.ts";
import { PredictionWriter } from "./write-predictions.ts";

/** The dependencies of {@link predictEndpoints}. */
export interface PredictDependencies {
  readonly defaultModel: ServedModel;
  readonly limits: Limits;
}

/**
 * `POST /predict` predicts one record, `POST /bulk_predict` a list of records, with the default
 * model.
 */
export function predictEndpoints(
  { defaultModel, limits }: PredictDependencies,
  predictor: Predictor,
): readonly Endpoint[] {
  const predictions = {
    maxRecords: limits.maxHouses,
    versionOf: ({ cacheVersions }: LoadedModel) => cacheVersions.numbers,
    engineOf: ({ engine }: LoadedModel) => engine,
    writerOf: ({ engine }: LoadedModel) => new PredictionWriter(engine),
    predictionsIn: (rows: Predictions) => rows,
  };
  const kinds: readonly RecordEndpoint[] = [
    {
      ...predictions,
      name: "predict",
      shape: "one",
      maxBodyBytes: maxRecordBodyBytes(limits),
      wrap: (prediction) => `{"prediction":${prediction}}`,
      wrapIntervals: (prediction, interval) =>
        `{"prediction":${prediction},"interval":${interval}}`,
      describe: (model) => describePredict(model, limits),
    },
    {
      ...predictions,
      name: "bulk_predict",
      shape: "many",
      maxBodyBytes: limits.maxBodyBytes,
      wrap: (list) => `{"predictions":[${list}]}`,
      wrapIntervals: (list, intervals) => `{"predictions":[${list}],"intervals":[${intervals}]}`,
      describe: (model) => describeBulkPredict(model, limits),
    },
  ];
  return kinds.map((kind) => recordEndpoint(kind, defaultModel, predictor));
}
