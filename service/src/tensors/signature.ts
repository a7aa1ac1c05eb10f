/** The types of tensors in requests, by their names in the Open Inference Protocol. */
export const datatypes = ["FP32", "FP64", "INT64", "INT32", "BOOL", "BYTES"] as const;

export type Datatype = (typeof datatypes)[number];

/** A tensor that a model takes or returns. */
export interface TensorDescription {
  readonly name: string;
  readonly datatype: Datatype;
  /** The first dimension is -1: any number of rows. */
  readonly shape: readonly number[];
}

/** The name of the output with intervals. The ONNX file has no such output. */
export const intervalOutput = "interval";

/** The output with the low and the high end of the interval around each prediction. */
export interface IntervalDescription {
  readonly output: TensorDescription;
  /** The lowest and the highest level that an interval can have. */
  readonly levels: readonly [lowest: number, highest: number];
  /** The level if a request names none. */
  readonly defaultLevel: number;
}

/** The tensors of a model. It is plain data, so it can be copied to a worker thread. */
export interface Signature {
  /** Whether one input takes all features, or each feature has its own input. */
  readonly kind: "table" | "columns";
  /** One for all features, or one per feature in the order of the matrix's columns. */
  readonly inputs: readonly TensorDescription[];
  readonly output: TensorDescription;
  /** Absent if the model has no prediction intervals. */
  readonly interval?: IntervalDescription;
}

/** Lists what a request can ask for. */
export function outputsOf({ output, interval }: Signature): readonly TensorDescription[] {
  return interval ? [output, interval.output] : [output];
}
