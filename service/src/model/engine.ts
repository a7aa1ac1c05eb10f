/** Nobody waits for the result any more. */
export class AbandonedError extends Error {
  constructor() {
    super("nobody waits for the result any more");
  }
}

/** Rows × outputs, row-major: float32, or float64 where the model's output is of integers. */
export type Predictions = Float32Array | Float64Array;

/** Runs a model. Pure: a row has the same prediction in any batch. */
export interface Engine {
  /** How it runs the model, for the log and the model's metadata. */
  readonly name: string;
  /** Columns of the matrix: the features, in the card's order. */
  readonly columns: number;
  /** Numbers in each prediction. */
  readonly outputs: number;
  /**
   * Whether a prediction is a list of numbers: it has several, or the card names the one that it has.
   */
  readonly isList: boolean;
  /**
   * Predicts a whole batch.
   *
   * @param matrix rows × columns, row-major float32; left as it is
   * @param signal rows that still wait are given up when it is aborted
   * @returns rows × outputs, row-major
   * @throws {AbandonedError} the signal was aborted before the last row had begun
   */
  predict(matrix: Float32Array, signal?: AbortSignal): Promise<Predictions>;
}
