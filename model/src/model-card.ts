import * as z from "zod";

const metricsSchema = z.strictObject({ r2: z.number(), rmse: z.number(), mae: z.number() });

const featureSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  unit: z.string(),
  /** Smallest, largest and quantiles (by probability) of the training rows' values. */
  minimum: z.number(),
  maximum: z.number(),
  quantiles: z.record(z.string(), z.number()),
  /** Share of the training loss that its splits took off; the features' shares sum to 1. */
  importance: z.number(),
});

const modelFactsSchema = z.strictObject({
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
  metrics: z.strictObject({ train: metricsSchema, test: metricsSchema }),
  hyperparameters: z.record(z.string(), z.number()),
  target: z.strictObject({ name: z.string(), description: z.string(), unit: z.string() }),
  /** In the order of the model's columns. */
  features: z.array(featureSchema),
});

/** The model card: the facts, and the SHA-256 of the ONNX file that they describe. */
export const modelCardSchema = z.strictObject({
  ...modelFactsSchema.shape,
  version: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What is known of a model before its file is written. */
export type ModelFacts = z.infer<typeof modelFactsSchema>;

/** What a model card says of one of the model's inputs. */
export type FeatureFacts = z.infer<typeof featureSchema>;

/** The content of a model card. */
export type ModelCard = z.infer<typeof modelCardSchema>;
