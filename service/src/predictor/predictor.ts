/** Nobody waits for the result any more. */
export class AbandonedError extends Error {
  constructor() {
    super("nobody waits for the result any more");
  }
}

/** A model that is ready to predict. Pure: a row has the same prediction in any batch. */
export interface Predictor {
  /** Changes whenever the model does; safe in a header and in a cache key. */
  readonly modelVersion: string;
  /**
   * Predicts a whole batch.
   *
   * @param matrix rows × 8, row-major float32; left as it is
   * @param signal rows that wait are given up when it is aborted
   * @returns one prediction for each row, in 100,000 USD
   * @throws {AbandonedError} the signal is aborted before the last row has begun
   */
  predict(matrix: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
}
