import { z } from "zod";
import type { Engine } from "../model/engine.ts";
import { exampleRecord, type LoadedModel } from "../model/loaded-model.ts";
import { recordSchema } from "../model/record-schema.ts";
import type { Json } from "./endpoint.ts";
import { type Limits, maxRecordBodyBytes } from "./limits.ts";
import {
  badRequest,
  jsonContent,
  methodNotAllowed,
  response,
  validationFailed,
} from "./openapi-parts.ts";
import { limitResponses, predictionParameters, predictionResponse } from "./prediction-openapi.ts";

/** Returns a schema name, such as `Wine` for `wine`. */
function schemaName(text: string): string {
  const words = text.normalize("NFKD").match(/[A-Za-z0-9]+/g) ?? ["Record"];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function predictionSchema({ isList, outputs }: Engine, { target }: LoadedModel["card"]): z.ZodType {
  const unit = target.unit && `Unit: ${target.unit}`;
  if (!isList) {
    const description = [target.description ?? target.name, unit].filter(Boolean).join(". ");
    return z.number().meta(description ? { description } : {});
  }
  const names = target.outputs ? `In this order: ${target.outputs.join(", ")}` : undefined;
  const description = [target.description, names, unit].filter(Boolean).join(". ");
  return z
    .array(z.number())
    .length(outputs)
    .meta(description ? { description } : {});
}

/** Describes the parameter `interval`; nothing if the model has no intervals. */
function intervalParameters({ intervals }: LoadedModel): readonly Json[] {
  if (intervals === undefined) return [];
  const [minimum, maximum] = intervals.levels;
  const description =
    "Adds an interval around each prediction that contains the true value with this probability";
  return [
    { name: "interval", in: "query", description, schema: { type: "number", minimum, maximum } },
  ];
}

/**
 * Returns the names and schemas of the model's requests and responses. Schemas refer to each other
 * by name only if they are from the same call.
 */
export function modelSchemas({ card, engine, intervals }: LoadedModel, { maxHouses }: Limits) {
  const { singular, plural } = card.record;
  const name = schemaName(singular);
  const record = recordSchema(card);
  const prediction = predictionSchema(engine, card);
  const interval = z
    .array(z.number())
    .length(2)
    .meta({ description: "The low and the high end. Only with the parameter `interval`" });
  const ifAsked = <T extends object>(members: T) => (intervals ? members : {});
  return {
    record,
    prediction,
    names: {
      record: name,
      records: `Bulk${name}`,
      prediction: `${name}Prediction`,
      predictions: `Bulk${name}Prediction`,
    },
    schemas: {
      [name]: record,
      [`Bulk${name}`]: z.strictObject({ [plural]: z.array(record).max(maxHouses) }),
      [`${name}Prediction`]: z.strictObject({
        prediction,
        ...ifAsked({ interval: interval.optional() }),
      }),
      [`Bulk${name}Prediction`]: z.strictObject({
        predictions: z.array(prediction),
        ...ifAsked({ intervals: z.array(interval).optional() }),
      }),
    },
  };
}

/** Describes the responses to requests with records. */
export function recordResponses(limits: Limits, schema: string, maxBodyBytes: number): Json {
  return {
    200: predictionResponse(schema),
    400: badRequest(
      "The body is not UTF-8, is nested deeper than 900 levels, has an integer of more than 4,300 digits, was cut off, or has too many small chunks",
    ),
    405: methodNotAllowed,
    415: response("The body has a `Content-Encoding` other than identity", "HTTPError"),
    422: validationFailed,
    ...limitResponses(limits, maxBodyBytes, "HTTPError"),
  };
}

/** Describes `/predict`. */
export function describePredict(model: LoadedModel, limits: Limits) {
  const { names, schemas } = modelSchemas(model, limits);
  const example: unknown = JSON.parse(exampleRecord(model.card));
  return {
    schemas,
    operation: {
      operationId: "predict_predict_post",
      summary: `Predict one ${model.card.record.singular}`,
      tags: ["predictions"],
      parameters: [...intervalParameters(model), ...predictionParameters],
      requestBody: { required: true, content: jsonContent(names.record, { example }) },
      responses: recordResponses(limits, names.prediction, maxRecordBodyBytes(limits)),
    },
  };
}

/** Describes `/bulk_predict`. */
export function describeBulkPredict(model: LoadedModel, limits: Limits) {
  const { names, schemas } = modelSchemas(model, limits);
  const { plural } = model.card.record;
  const record: unknown = JSON.parse(exampleRecord(model.card));
  const example = { [plural]: [record, record] };
  return {
    schemas,
    operation: {
      operationId: "bulk_predict_bulk_predict_post",
      summary: `Predict a list of ${plural}`,
      description:
        "Returns one prediction per item, in the order sent. An empty list gives an empty list.",
      tags: ["predictions"],
      parameters: [...intervalParameters(model), ...predictionParameters],
      requestBody: { required: true, content: jsonContent(names.records, { example }) },
      responses: recordResponses(limits, names.predictions, limits.maxBodyBytes),
    },
  };
}
