import { Metrics } from "../telemetry/metrics.ts";
import { AbandonedError, type Engine, type Predictions } from "./engine.ts";

/** The queue has no room for the request. */
export class QueueFullError extends Error {}

/** Settings of {@link batched}. */
export interface BatcherOptions {
  /**
   * The maximum number of rows in a run. Requests wait for the end of a run, so it must be short.
   */
  readonly maxRunRows: number;
  /**
   * The maximum total size of the matrices in the queue and their predictions. A request may be
   * larger if nothing else is in the queue.
   */
  readonly maxQueuedBytes: number;
}

/** The default settings. With the committed model, a run takes about half a millisecond. */
export const batching: BatcherOptions = { maxRunRows: 128, maxQueuedBytes: 32 * 1024 * 1024 };

interface Job {
  readonly matrix: Float32Array;
  readonly rows: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (predictions: Predictions) => void;
  readonly reject: (error: unknown) => void;
  /** The number of rows that have been assigned to runs. */
  begun: number;
  /** Filled run by run; undefined before the first run. */
  predictions?: Predictions;
}

interface Part {
  readonly job: Job;
  readonly from: number;
  readonly rows: number;
}

const waitingRows = ({ rows, begun }: Job) => rows - begun;

/**
 * Divides the rows of a run equally among the requests that have waited longest, of which each gets
 * at least one row. If a request needs fewer rows than its share, longer requests get the rest.
 * Marks the rows as begun.
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

/** Creates an array of zeros with the same precision. */
function likeOf(predictions: Predictions, length: number): Predictions {
  return predictions instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

/**
 * Creates an engine that batches requests for another engine:
 *
 * 1. if no run is in progress, a run starts at the end of the event loop's turn, with all requests
 *    that arrived in that turn;
 * 2. requests that arrive during a run share the next run, which starts immediately afterwards;
 * 3. runs are short: a long list takes several runs, and short requests share each of them.
 *
 * Batching does not change a single bit of the predictions, since the prediction of a row does not
 * depend on other rows. If a run fails, its requests are run again one by one, so a request fails
 * only because of its own rows.
 */
export function batched(
  engine: Engine,
  { maxRunRows, maxQueuedBytes }: BatcherOptions,
  metrics: Metrics = new Metrics(),
): Engine {
  const durations = metrics.histogram("prediction_inference_duration_seconds", {});
  const rowsPerRun = metrics.histogram("prediction_inference_rows", {});
  metrics.observe("prediction_rows_queued", {}, () => queuedRows);
  const { columns, outputs } = engine;
  const maxQueuedRows = Math.floor(
    maxQueuedBytes / (Float32Array.BYTES_PER_ELEMENT * (columns + outputs)),
  );
  const buffer = new Float32Array(maxRunRows * columns);
  let queue: Job[] = [];
  let queuedRows = 0;
  let isRunning = false;

  /** Removes requests that are finished or abandoned. */
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
      job.matrix.subarray(from * columns, (from + rows) * columns);
    if (only !== undefined && another === undefined) return rowsOf(only);
    let offset = 0;
    for (const part of parts) {
      buffer.set(rowsOf(part), offset);
      offset += part.rows * columns;
    }
    return buffer.subarray(0, offset);
  }

  function scatter(predictions: Predictions, parts: readonly Part[]): void {
    let offset = 0;
    for (const { job, from, rows } of parts) {
      job.predictions ??= likeOf(predictions, job.rows * outputs);
      const end = offset + rows * outputs;
      job.predictions.set(predictions.subarray(offset, end), from * outputs);
      offset = end;
      if (waitingRows(job) === 0) job.resolve(job.predictions);
    }
  }

  async function run(parts: readonly Part[]): Promise<void> {
    try {
      const matrix = gather(parts);
      const start = performance.now();
      const predictions = await engine.predict(matrix);
      durations.observe((performance.now() - start) / 1000);
      rowsPerRun.observe(matrix.length / columns);
      scatter(predictions, parts);
    } catch (error) {
      if (parts.length > 1) {
        for (const part of parts) await run([part]);
        return;
      }
      for (const { job } of parts) {
        queuedRows -= waitingRows(job);
        job.begun = job.rows;
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
    ...engine,
    predict(matrix, signal) {
      const rows = matrix.length / columns;
      if (rows === 0) return engine.predict(matrix);
      if (queuedRows + rows > maxQueuedRows) prune();
      if (queuedRows > 0 && queuedRows + rows > maxQueuedRows) {
        return Promise.reject(new QueueFullError(`${queuedRows} rows are waiting`));
      }
      queuedRows += rows;
      return new Promise((resolve, reject) => {
        queue.push({ matrix, rows, signal, resolve, reject, begun: 0 });
        if (!isRunning) {
          isRunning = true;
          setImmediate(runAll);
        }
      });
    },
  };
}
