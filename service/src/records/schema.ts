/** What a value of a feature can be. */
type FeatureType = "number" | "integer" | "boolean" | "category";

/** One feature of a record: a member of its JSON object, and a column of the matrix. */
export interface Feature {
  readonly name: string;
  readonly type: FeatureType;
  /** For a category: the texts it can be. A text's index is its value in the matrix. */
  readonly categories?: readonly string[] | undefined;
  /** Exclusive and inclusive bounds of a number or an integer. */
  readonly gt?: number | undefined;
  readonly ge?: number | undefined;
  readonly lt?: number | undefined;
  readonly le?: number | undefined;
}

/** The names of the bounds, in the order in which pydantic checks them. */
export const boundNames = ["le", "lt", "ge", "gt"] as const;

/**
 * What a model's records look like. Plain data, so that a worker thread can be given a copy.
 */
export interface RecordSchema {
  /** What one record is called, and a list of them: `house` and `houses`. */
  readonly record: { readonly singular: string; readonly plural: string };
  /** In the order of the matrix's columns. */
  readonly features: readonly Feature[];
}

/** The model's input: rows × features, row-major float32, one row for each record in the order sent. */
export type Matrix = Float32Array<ArrayBuffer>;

/**
 * A number as the matrix holds it: float32, and zero without its sign, so that `-0` and `0` are the
 * same request. A model may tell them apart.
 */
export function toCell(value: number): number {
  return Math.fround(value) + 0;
}
