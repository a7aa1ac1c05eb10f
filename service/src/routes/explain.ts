import type { LoadedModel } from "../model/loaded-model.ts";
import type { Endpoint } from "./endpoint.ts";
import { describeBulkExplain, describeExplain } from "./explain-openapi.ts";
import { maxRecordBodyBytes } from "./limits.ts";
import type { PredictDependencies } from "./predict.ts";
import type { Predictor } from "./prediction.ts";
import { type RecordEndpoint, recordEndpoint } from "./record-endpoint.ts";
import { ExplanationWriter } from "./write-explanations.ts";

/**
 * `POST /explain` explains the prediction of one record, `POST /bulk_explain` those of a list of
 * records, with the default model.
 */
export function explainEndpoints(
  { defaultModel, limits }: PredictDependencies,
  predictor: Predictor,
): readonly Endpoint[] {
  const explanations = {
    maxRecords: limits.maxExplained,
    // The card has the names of features, and what explanations are relative to.
    versionOf: ({ cacheVersions }: LoadedModel) => cacheVersions.bodies,
    engineOf: ({ explainer }: LoadedModel) => explainer,
    writerOf: (model: LoadedModel) => new ExplanationWriter(model),
  };
  const kinds: readonly RecordEndpoint[] = [
    {
      ...explanations,
      name: "explain",
      shape: "one",
      maxBodyBytes: maxRecordBodyBytes(limits),
      wrap: (explanation) => explanation,
      describe: (model) => describeExplain(model, limits),
    },
    {
      ...explanations,
      name: "bulk_explain",
      shape: "many",
      maxBodyBytes: limits.maxBodyBytes,
      wrap: (list) => `{"explanations":[${list}]}`,
      describe: (model) => describeBulkExplain(model, limits),
    },
  ];
  return kinds.map((kind) => recordEndpoint(kind, defaultModel, predictor));
}
