/** Nobody waits for the result any more. */
export class AbandonedError extends Error {
  constructor() {
    super("nobody waits for the result any more");
  }
}

/** Rows × outputs, row-major: float32, or float64 where the model's output is of integers. */
export type Predictions = Float32Array | Float64Array;

/** The client of a prediction. */
export interface Client {
  /** Aborted when the client doesn't wait any more. It is read only if the prediction has to wait. */
  readonly signal: AbortSignal;
}

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
   * @returns rows × outputs, row-major
   * @throws {AbandonedError} the client's signal was aborted before the last row had begun
   */
  predict(matrix: Float32Array, client?: Client): Predictions | Promise<Predictions>;
}

/** An engine of one model, in which each run blocks the event loop. */
export interface Runner extends Engine {
  /** Whether it predicts at once, not with a promise. Then nothing is gained by batching requests. */
  readonly isImmediate: boolean;
  /** Rows that it predicts in so little time that any request can wait for it. */
  readonly maxRunRows: number;
  /** Frees what it holds. It can't predict any more. */
  release(): Promise<void>;
}
