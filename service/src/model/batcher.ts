import { AbandonedError, type Predictor } from "./predictor.ts";

/** More rows wait than may; try again later. */
export class QueueFullError extends Error {}

/** Settings of {@link batched}. */
export interface BatcherOptions {
  /** Columns of the matrix. */
  readonly features: number;
  /** Rows of one run: what takes so little time that nothing minds waiting for it. */
  readonly maxRunRows: number;
  /** Rows that may wait, those of all requests together. */
  readonly maxQueuedRows: number;
}

/**
 * Half a millisecond of the committed model a run; what waits is bounded at a few tens of megabytes.
 */
export const batching = { maxRunRows: 128, maxQueuedRows: 1_000_000 } as const;

interface Job {
  readonly matrix: Float32Array;
  readonly predictions: Float32Array;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (predictions: Float32Array) => void;
  readonly reject: (error: unknown) => void;
  /** Rows that runs have been given so far. */
  begun: number;
}

interface Part {
  readonly job: Job;
  readonly from: number;
  readonly rows: number;
}

const waitingRows = ({ predictions, begun }: Job) => predictions.length - begun;

/**
 * Shares a run out among those that wait longest, at most as many as it has rows: each gets as many
 * rows as any other, and what short requests leave goes to long ones. Counts the rows as begun.
 */
function takeParts(queue: readonly Job[], maxRunRows: number): Part[] {
  const parts: Part[] = [];
  const shortFirst = queue
    .slice(0, maxRunRows)
    .sort((one, other) => waitingRows(one) - waitingRows(other));
  let left = maxRunRows;
  for (const [index, job] of shortFirst.entries()) {
    const share = Math.floor(left / (shortFirst.length - index));
    const rows = Math.min(share, waitingRows(job));
    parts.push({ job, from: job.begun, rows });
    job.begun += rows;
    left -= rows;
  }
  return parts;
}

/**
 * Puts requests together in front of a predictor:
 *
 * 1. a request that finds no run under way is run at the end of the event loop's turn, with those
 *    that arrived in the same turn;
 * 2. those that arrive during a run go into the next one together, with no added wait;
 * 3. a run is short: a long list takes several, and short requests go along in each.
 *
 * Predictions are the same to the last bit, since a row's does not depend on the batch it is in. A
 * run that fails fails the requests that had rows in it.
 */
export function batched(predictor: Predictor, options: BatcherOptions): Predictor {
  const { features, maxRunRows, maxQueuedRows } = options;
  const buffer = new Float32Array(maxRunRows * features);
  let queue: Job[] = [];
  let queuedRows = 0;
  let isRunning = false;

  /** Removes the requests that have no more rows to run, or that nobody waits for any more. */
  function prune(): void {
    queue = queue.filter((job) => {
      if (waitingRows(job) === 0) return false;
      if (!job.signal?.aborted) return true;
      queuedRows -= waitingRows(job);
      job.reject(new AbandonedError());
      return false;
    });
  }

  function gather(parts: readonly Part[]): Float32Array {
    const [only, another] = parts;
    const rowsOf = ({ job, from, rows }: Part) =>
      job.matrix.subarray(from * features, (from + rows) * features);
    if (only !== undefined && another === undefined) return rowsOf(only);
    let offset = 0;
    for (const part of parts) {
      buffer.set(rowsOf(part), offset);
      offset += part.rows * features;
    }
    return buffer.subarray(0, offset);
  }

  function scatter(predictions: Float32Array, parts: readonly Part[]): void {
    let offset = 0;
    for (const { job, from, rows } of parts) {
      job.predictions.set(predictions.subarray(offset, offset + rows), from);
      offset += rows;
      if (waitingRows(job) === 0) job.resolve(job.predictions);
    }
  }

  async function run(parts: readonly Part[]): Promise<void> {
    try {
      scatter(await predictor.predict(gather(parts)), parts);
    } catch (error) {
      for (const { job } of parts) {
        queuedRows -= waitingRows(job);
        job.begun = job.predictions.length;
        job.reject(error);
      }
    }
  }

  async function runAll(): Promise<void> {
    for (;;) {
      prune();
      if (queue.length === 0) break;
      const parts = takeParts(queue, maxRunRows);
      for (const { rows } of parts) queuedRows -= rows;
      await run(parts);
    }
    isRunning = false;
  }

  return {
    modelVersion: predictor.modelVersion,
    predict(matrix, signal) {
      const rows = matrix.length / features;
      if (rows === 0) return predictor.predict(matrix);
      if (queuedRows + rows > maxQueuedRows) prune();
      if (queuedRows > 0 && queuedRows + rows > maxQueuedRows) {
        return Promise.reject(new QueueFullError(`${queuedRows} rows are waiting`));
      }
      queuedRows += rows;
      return new Promise((resolve, reject) => {
        const predictions = new Float32Array(rows);
        queue.push({ matrix, predictions, signal, resolve, reject, begun: 0 });
        if (!isRunning) {
          isRunning = true;
          setImmediate(runAll);
        }
      });
    },
  };
}
