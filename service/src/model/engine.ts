/** The work was cancelled, since nobody is waiting for the result. */
export class AbandonedError extends Error {
  constructor() {
    super("nobody is waiting for the result");
  }
}

/** Rows × outputs, row-major: float32, or float64 if the model's output is of an integer type. */
export type Predictions = Float32Array | Float64Array;

/** The client that a prediction is for. */
export interface Client {
  /**
   * Aborted when the client no longer waits. Read only for large bodies and for predictions that
   * take several runs, since creating it costs more than a small prediction.
   */
  readonly signal: AbortSignal;
}

/** What a model predicts, and by which runtime. */
interface Signature {
  /** The name of the runtime, for the log and the model's metadata. */
  readonly name: string;
  /** The number of columns of the matrix: one per feature, in the card's order. */
  readonly columns: number;
  /** How many numbers a prediction has. */
  readonly outputs: number;
  /** Whether a prediction is a list: it has several numbers, or the card names its only number. */
  readonly isList: boolean;
}

/** Runs a model. A row has the same prediction in any batch. */
export interface Engine extends Signature {
  /**
   * Predicts a batch.
   *
   * @param matrix rows × columns, row-major float32. It is not changed
   * @param client if its signal is aborted, the rows that are still in the queue are dropped
   * @returns rows × outputs, row-major
   * @throws {AbandonedError} if rows were dropped
   */
  predict(matrix: Float32Array, client?: Client): Promise<Predictions>;
  /** Whether predicting a row costs less than finding out if another request needs the same row. */
  readonly isCheap: boolean;
}

/** A runtime that has loaded a model. A run blocks the event loop. */
export interface Runner extends Signature {
  /**
   * The maximum number of rows in a run. Requests wait for the end of a run, so it must be short.
   */
  readonly maxRunRows: number;
  /** Predicts a batch as an {@link Engine} does, in one run. */
  run(matrix: Float32Array): Predictions | Promise<Predictions>;
  /** The same without a promise, if the runtime can. */
  readonly runNow?: (matrix: Float32Array) => Predictions;
  /** Frees its memory. It can't be used afterwards. */
  release(): Promise<void>;
}
