import { z } from "zod";
import { ModelCard } from "../../service/src/model/card.ts";

const metricsSchema = z.strictObject({ r2: z.number(), rmse: z.number(), mae: z.number() });

/** The share of a group's held-out rows whose interval contains the true value, by level. */
const coverageSchema = z.strictObject({
  houses: z.string(),
  rows: z.int(),
  /** `null` if there are no rows. */
  coverage: z.record(z.string(), z.number().nullable()),
});

const featureFactsSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  unit: z.string(),
  /** The minimum, the maximum and the quantiles (by probability) of the training rows. */
  minimum: z.number(),
  maximum: z.number(),
  quantiles: z.record(z.string(), z.number()),
  /** The share of the loss reduction that its splits achieved. All shares sum to 1. */
  importance: z.number(),
});

const factsSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  data: z.strictObject({ name: z.string(), sha256: z.string(), rows: z.int() }),
  split: z.strictObject({
    method: z.string(),
    seed: z.int(),
    testFraction: z.number(),
    trainRows: z.int(),
    testRows: z.int(),
  }),
  metrics: z.strictObject({
    train: metricsSchema,
    test: metricsSchema,
    intervals: z.array(coverageSchema).readonly(),
  }),
  hyperparameters: z.record(z.string(), z.union([z.number(), z.record(z.string(), z.number())])),
  target: z.strictObject({
    name: z.string(),
    description: z.string(),
    unit: z.string(),
    output: z.string(),
  }),
  interval: z.strictObject({
    output: z.string(),
    minimumError: z.number(),
    factors: z.record(z.string(), z.number()),
  }),
  /** In the order of the model's columns. */
  features: z.array(featureFactsSchema),
});

/** What is known about a model before its file is written. The ONNX file contains it too. */
export type ModelFacts = z.infer<typeof factsSchema>;

/** How often the intervals of some houses contain the true value. */
export type Coverage = z.infer<typeof coverageSchema>;

/** What is known about one of the model's inputs. */
export type FeatureFacts = z.infer<typeof featureFactsSchema>;

/** The schema of this trainer's model card: a card that the service accepts, with all the facts. */
export const housingCardSchema = ModelCard.extend({
  metrics: factsSchema.shape.metrics,
  hyperparameters: factsSchema.shape.hyperparameters,
  interval: factsSchema.shape.interval,
});

/** The content of the model card. */
export type HousingCard = z.infer<typeof housingCardSchema>;
