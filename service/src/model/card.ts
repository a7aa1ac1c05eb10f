import { z } from "zod";

/** Float32 represents every integer up to this one, and not the next. */
export const maxExactInteger = 2 ** 24;

/** Requests are UTF-8, which has no lone surrogates. */
const text = z.string().refine((value) => value.isWellFormed(), "must be well-formed Unicode");
const name = text.min(1);
const description = z.string().optional();
const unit = z.string().optional();

/** What every feature has. */
const common = {
  name,
  /** Name of the ONNX input that takes this feature alone; its own name if left out. */
  input: name.optional(),
  title: z.string().optional(),
  description,
  unit,
  /** Share of the training loss that the feature took off. */
  importance: z.number().optional(),
};

/** The spread of a feature's values in the training rows. */
const range = {
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  /** By probability, `"0.5"` is the median. */
  quantiles: z.record(z.string(), z.number()).optional(),
};

/** How often each value occurs in the training rows, as a share of 1. */
const shares = { shares: z.record(z.string(), z.number()).optional() };

function bounds(bound: z.ZodNumber) {
  return { gt: bound.optional(), ge: bound.optional(), lt: bound.optional(), le: bound.optional() };
}

const NumberFeature = z.strictObject({
  ...common,
  type: z.literal("number").default("number"),
  ...bounds(z.number()),
  ...range,
  example: z.number(),
});

const exactInteger = z
  .int()
  .min(-maxExactInteger, "must be at least -2^24: below, float32 does not represent every integer")
  .max(maxExactInteger, "must be at most 2^24: above, float32 does not represent every integer");

const IntegerFeature = z.strictObject({
  ...common,
  type: z.literal("integer"),
  ...bounds(exactInteger),
  ...range,
  example: exactInteger,
});

const BooleanFeature = z.strictObject({
  ...common,
  type: z.literal("boolean"),
  ...shares,
  example: z.boolean(),
});

const CategoryFeature = z.strictObject({
  ...common,
  type: z.literal("category"),
  /** The texts that it can be; their order is the encoding. */
  categories: z.array(text).min(1).refine(areDistinct, "must differ from each other"),
  ...shares,
  example: z.string(),
});

function areDistinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

/** A feature without a type is a number. */
const Feature = z.preprocess(
  (feature) =>
    typeof feature === "object" && feature !== null && !("type" in feature)
      ? { ...feature, type: "number" }
      : feature,
  z.discriminatedUnion("type", [NumberFeature, IntegerFeature, BooleanFeature, CategoryFeature]),
);

/** Anything about how the model came about: not for the service, but for people. */
const background = z.record(z.string(), z.unknown()).optional();

/**
 * The model card, a JSON file next to the ONNX file: all that the service knows of a model. Whatever
 * the service would not enforce is an error.
 */
export const ModelCard = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, "letters, digits, `_`, `.` and `-`"),
  /** SHA-256 of the ONNX file, in hex. */
  version: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in hex"),
  description,
  /** What one row is called, and several: names of schemas and members. */
  record: z
    .strictObject({ singular: name, plural: name })
    .default({ singular: "record", plural: "records" }),
  /** In the order of the model's columns. */
  features: z
    .array(Feature)
    .min(1)
    .refine((features) => areDistinct(features.map((feature) => feature.name)), {
      error: "must have different names",
    }),
  target: z
    .strictObject({
      name: name.optional(),
      description,
      unit,
      /** Name of the ONNX output to serve; the last one if left out. */
      output: name.optional(),
      /**
       * Names of the numbers in a prediction, such as a classifier's classes. With names, a prediction
       * is a list even if it has only one number.
       */
      outputs: z.array(z.string()).min(1).optional(),
    })
    .default({}),
  data: background,
  split: background,
  metrics: background,
  hyperparameters: background,
});

export type ModelCard = z.infer<typeof ModelCard>;
export type CardFeature = ModelCard["features"][number];

const Named = z.object({ name: z.string() }).catch({ name: "" });
const NamedFeatures = z.object({ features: z.array(Named) }).catch({ features: [] });

/**
 * What is wrong with a card, one line for each fault. Features are called by their names.
 *
 * @param card what was parsed
 */
export function describeFaults({ issues }: z.ZodError, card: unknown): string {
  const { features } = NamedFeatures.parse(card);
  const lines = issues.map(({ path, message }) => {
    const name = path[0] === "features" ? features[Number(path[1])]?.name : undefined;
    const place = name ? [`feature ${JSON.stringify(name)}`, ...path.slice(2)] : path;
    return place.length === 0 ? message : `${place.join(", ")}: ${message}`;
  });
  return lines.join("\n");
}
