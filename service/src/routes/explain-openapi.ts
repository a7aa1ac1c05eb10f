import { z } from "zod";
import { exampleRecord, type LoadedModel } from "../model/loaded-model.ts";
import type { Json } from "./endpoint.ts";
import { type Limits, maxRecordBodyBytes } from "./limits.ts";
import { jsonContent, response } from "./openapi-parts.ts";
import { modelSchemas, recordResponses } from "./predict-openapi.ts";
import { predictionParameters } from "./prediction-openapi.ts";

/** Returns the names and schemas of the requests and responses. */
function explanationSchemas(model: LoadedModel, limits: Limits) {
  const { card, engine } = model;
  const { names, schemas, record, prediction } = modelSchemas(model, limits);
  const numbers = engine.isList
    ? () => z.array(z.number().nullable()).length(engine.outputs)
    : () => z.number().nullable();
  const contributions = card.features.map(({ name }) => [name, numbers()] as const);
  const explanation = z.strictObject({
    prediction,
    margin: numbers().optional().meta({
      description:
        "The sum of the trees, if the model turns it into a probability. Otherwise omitted",
    }),
    baseline: numbers().meta({ description: "The mean of the training rows" }),
    contributions: z.strictObject(Object.fromEntries(contributions)).meta({
      description:
        "What each feature adds to the baseline. With the baseline, they add up to the margin, or to the prediction if there is no margin",
    }),
  });
  const toExplain = `${names.records}ToExplain`;
  const one = `${names.record}Explanation`;
  const many = `${names.records}Explanation`;
  const list = z.array(record).max(limits.maxExplained);
  return {
    names: { record: names.record, records: toExplain, explanation: one, explanations: many },
    schemas: {
      ...schemas,
      [toExplain]: z.strictObject({ [card.record.plural]: list }),
      [one]: explanation,
      [many]: z.strictObject({ explanations: z.array(explanation) }),
    },
  };
}

/** Describes the responses; 422 also says that a model can't be explained. */
function responses(limits: Limits, schema: string, maxBodyBytes: number): Json {
  return {
    ...recordResponses(limits, schema, maxBodyBytes),
    422: response(
      "The request is invalid, or the model's prediction is not a sum of trees (`not_explainable`)",
      "HTTPValidationError",
    ),
  };
}

/** Describes `/explain`. */
export function describeExplain(model: LoadedModel, limits: Limits) {
  const { names, schemas } = explanationSchemas(model, limits);
  const example: unknown = JSON.parse(exampleRecord(model.card));
  return {
    schemas,
    operation: {
      operationId: "explain_explain_post",
      summary: `Explain the prediction of one ${model.card.record.singular}`,
      description:
        "Returns what each feature adds to the mean of the training rows: Shapley values, by path-dependent TreeSHAP",
      tags: ["predictions"],
      parameters: predictionParameters,
      requestBody: { required: true, content: jsonContent(names.record, { example }) },
      responses: responses(limits, names.explanation, maxRecordBodyBytes(limits)),
    },
  };
}

/** Describes `/bulk_explain`. */
export function describeBulkExplain(model: LoadedModel, limits: Limits) {
  const { names, schemas } = explanationSchemas(model, limits);
  const { plural } = model.card.record;
  const record: unknown = JSON.parse(exampleRecord(model.card));
  return {
    schemas,
    operation: {
      operationId: "bulk_explain_bulk_explain_post",
      summary: `Explain the predictions of a list of ${plural}`,
      description: `Returns one explanation per item, in the order sent. The list has at most ${limits.maxExplained} items.`,
      tags: ["predictions"],
      parameters: predictionParameters,
      requestBody: {
        required: true,
        content: jsonContent(names.records, { example: { [plural]: [record, record] } }),
      },
      responses: responses(limits, names.explanations, limits.maxBodyBytes),
    },
  };
}
