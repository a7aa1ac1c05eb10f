import { z } from "zod";

/** Float32 represents every integer up to this one, but not the next one. */
export const maxExactInteger = 2 ** 24;

/** Requests are in UTF-8, which has no lone surrogates, so no request could contain them. */
const text = z.string().refine((value) => value.isWellFormed(), "must be well-formed Unicode");
const name = text.min(1);
const description = z.string().optional();
const unit = z.string().optional();

/** The members of every feature. */
const common = {
  name,
  /** The name of the ONNX input that takes only this feature. By default, the feature's name. */
  input: name.optional(),
  title: z.string().optional(),
  description,
  unit,
  /** The feature's share of the reduction of the training loss. */
  importance: z.number().optional(),
};

/** Tolerates the rounding of shares. */
const shareTolerance = 0.001;

/**
 * The share of training rows in each bin, from 0 to 1. A value belongs to the first bin whose edge
 * is not smaller, or to the last bin, which has no edge.
 */
const Bins = z
  .strictObject({
    edges: z.array(z.number()).max(99),
    shares: z.array(z.number().min(0).max(1)),
  })
  .superRefine(({ edges, shares }, { addIssue }) => {
    const fault = (path: string, message: string) =>
      addIssue({ code: "custom", path: [path], message });
    if (edges.some((edge, index) => edge <= (edges[index - 1] ?? Number.NEGATIVE_INFINITY))) {
      fault("edges", "each must be larger than the one before it");
    }
    if (shares.length !== edges.length + 1) {
      fault(
        "shares",
        `there must be ${edges.length + 1}, one more than edges, not ${shares.length}`,
      );
    }
    const total = shares.reduce((sum, share) => sum + share, 0);
    if (Math.abs(total - 1) > shareTolerance) fault("shares", `the sum must be 1, not ${total}`);
  });

/** The distribution of a feature's values in the training rows. */
const range = {
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  /** Keyed by probability: `"0.5"` is the median. */
  quantiles: z.record(z.string(), z.number()).optional(),
  /** Compared with the records that are predicted. */
  bins: Bins.optional(),
};

/** The share of training rows that have each value, from 0 to 1. */
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
  /** The allowed strings. As a number, a string is its index. */
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

/**
 * How to make an interval around a prediction: prediction ± factor × error, where the model itself
 * predicts the error.
 */
const Interval = z.strictObject({
  /** The ONNX output that predicts how large the error of the prediction is, in the target's unit. */
  output: name,
  /** A smaller predicted error counts as this one. */
  minimumError: z.number().positive(),
  /**
   * Keyed by level: that share of intervals with this factor contains the true value. From low to
   * high levels.
   */
  factors: z.record(z.string(), z.number().nonnegative()).superRefine((factors, { addIssue }) => {
    const entries = Object.entries(factors);
    if (entries.length === 0) addIssue({ code: "custom", message: "there must be at least one" });
    for (const [index, [level, factor]] of entries.entries()) {
      const fault = (message: string) => addIssue({ code: "custom", path: [level], message });
      if (!(Number(level) > 0 && Number(level) < 1)) fault("a level is between 0 and 1");
      const [lowerLevel = 0, lowerFactor = 0] = entries[index - 1] ?? [];
      if (Number(level) <= Number(lowerLevel) || factor < lowerFactor) {
        fault("the level must be higher than the one before, and the factor not smaller");
      }
    }
  }),
});

/** How the model was made, in any form. It is for readers; the service does not use it. */
const background = z.record(z.string(), z.unknown()).optional();

/**
 * The model card, a JSON file next to the ONNX file. It is the service's only description of the
 * model. An unknown member is an error, since the service would not enforce it.
 */
export const ModelCard = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, "letters, digits, `_`, `.` and `-`"),
  /** The SHA-256 of the ONNX file, in hex. */
  version: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in hex"),
  description,
  /** The names of one record and of several records, for schemas and members. */
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
      /** The name of the ONNX output to serve. By default, the last output. */
      output: name.optional(),
      /**
       * The names of the numbers in a prediction, such as a classifier's classes. With names, a
       * prediction is a list even if it has only one number.
       */
      outputs: z.array(z.string()).min(1).optional(),
    })
    .default({}),
  interval: Interval.optional(),
  data: background,
  split: background,
  metrics: background,
  hyperparameters: background,
  /**
   * How many training rows reach each leaf of the model's trees, as `writeCovers` writes it.
   * Explanations are relative to these rows.
   */
  covers: z.base64().optional(),
});

export type ModelCard = z.infer<typeof ModelCard>;
export type CardFeature = ModelCard["features"][number];

const Named = z.object({ name: z.string() }).catch({ name: "" });
const NamedFeatures = z.object({ features: z.array(Named) }).catch({ features: [] });

/**
 * Describes what is wrong with a card: one line per fault, with the name of the feature.
 *
 * @param card the value that was parsed
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
