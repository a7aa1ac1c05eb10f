/** The type of a feature's values. */
type FeatureType = "number" | "integer" | "boolean" | "category";

/** One feature of a record: a member of its JSON object, and a column of the matrix. */
export interface Feature {
  readonly name: string;
  readonly type: FeatureType;
  /** The allowed strings of a category. A string's index is its value in the matrix. */
  readonly categories?: readonly string[] | undefined;
  /** Bounds of a number or an integer: `gt` and `lt` are exclusive, `ge` and `le` inclusive. */
  readonly gt?: number | undefined;
  readonly ge?: number | undefined;
  readonly lt?: number | undefined;
  readonly le?: number | undefined;
}

/** The names of the bounds, in the order in which pydantic checks them. */
export const boundNames = ["le", "lt", "ge", "gt"] as const;

/** The structure of a model's records. It is plain data, so it can be copied to a worker thread. */
export interface RecordSchema {
  /** The names of one record and of a list of records, such as `wine` and `wines`. */
  readonly record: { readonly singular: string; readonly plural: string };
  /** In the order of the matrix's columns. */
  readonly features: readonly Feature[];
}

/** The model's input: rows × features, row-major float32, one row per record in the order sent. */
export type Matrix = Float32Array<ArrayBuffer>;

/**
 * Converts a number for the matrix: rounds it to float32 and replaces `-0` by `0`, so that both
 * give the same prediction and the same cache key.
 */
export function toCell(value: number): number {
  return Math.fround(value) + 0;
}
