import type { Predictions } from "./engine.ts";

interface Waiting {
  readonly resolve: (prediction: Predictions) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Predicts the single rows that arrive in a turn of the event loop together, at the end of the
 * turn. A row of a batch takes compiled trees a fraction of the time of a row by itself.
 */
export class RowBatch {
  readonly #run: (matrix: Float32Array) => Predictions;
  readonly #maxRows: number;
  readonly #outputs: number;
  readonly #matrix: Float32Array;
  #waiting: Waiting[] = [];

  /** @param run predicts a batch of at most `maxRows`; rows × columns to rows × outputs */
  constructor(
    run: (matrix: Float32Array) => Predictions,
    shape: { readonly columns: number; readonly outputs: number; readonly maxRows: number },
  ) {
    this.#run = run;
    this.#maxRows = shape.maxRows;
    this.#outputs = shape.outputs;
    this.#matrix = new Float32Array(shape.maxRows * shape.columns);
  }

  predict(row: Float32Array): Promise<Predictions> {
    if (this.#waiting.length === 0) setImmediate(() => this.#predictAll());
    else if (this.#waiting.length === this.#maxRows) this.#predictAll();
    this.#matrix.set(row, this.#waiting.length * row.length);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #predictAll(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const columns = this.#matrix.length / this.#maxRows;
    try {
      const predictions = this.#run(this.#matrix.subarray(0, waiting.length * columns));
      for (let i = 0; i < waiting.length; i++) {
        const prediction = predictions.subarray(i * this.#outputs, (i + 1) * this.#outputs);
        waiting[i]?.resolve(prediction);
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
