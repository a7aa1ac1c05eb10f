/** A model that is ready to predict. Pure: the same row gets the same prediction in any batch. */
export interface Predictor {
  /** Changes with every change of the model; safe in a header and in a cache key. */
  readonly modelVersion: string;
  /**
   * Predicts a whole batch.
   *
   * @param matrix rows × 8, row-major float32; left as it is
   * @returns one prediction a row, in 100,000 USD
   */
  predict(matrix: Float32Array): Promise<Float32Array>;
}
