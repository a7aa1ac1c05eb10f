/** The work was cancelled, since nobody is waiting for the result any more. */
export class AbandonedError extends Error {
  constructor() {
    super("nobody is waiting for the result any more");
  }
}

/** Rows × outputs, row-major: float32, or float64 if the model's output is of an integer type. */
export type Predictions = Float32Array | Float64Array;

/** Runs a model. A row has the same prediction in any batch. */
export interface Engine {
  /** The name of the runtime, for the log and the model's metadata. */
  readonly name: string;
  /** The number of columns of the matrix: one per feature, in the card's order. */
  readonly columns: number;
  /** How many numbers a prediction has. */
  readonly outputs: number;
  /** Whether a prediction is a list: it has several numbers, or the card names its only number. */
  readonly isList: boolean;
  /**
   * Predicts a batch.
   *
   * @param matrix rows × columns, row-major float32. It is not changed
   * @param signal if aborted, the rows that are still in the queue are dropped
   * @returns rows × outputs, row-major
   * @throws {AbandonedError} if rows were dropped
   */
  predict(matrix: Float32Array, signal?: AbortSignal): Promise<Predictions>;
}
