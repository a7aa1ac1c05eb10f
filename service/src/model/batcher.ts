import { setImmediate as nextTurn } from "node:timers/promises";
import { requestsPerBatch } from "../requests-per-batch.ts";
import { Metrics } from "../telemetry/metrics.ts";
import {
  AbandonedError,
  type Client,
  type Engine,
  type Predictions,
  type Runner,
} from "./engine.ts";
import { RowBatch } from "./row-batch.ts";

/** The queue has no room for the request. */
export class QueueFullError extends Error {}

/** The maximum total size of the matrices in the queue and their predictions. */
const usualQueueBytes = 32 * 1024 * 1024;

/** An engine whose runner can be replaced. */
export interface BatchedEngine extends Engine {
  /**
   * Replaces the runner by another one for the same model. It is used from the next run on. The
   * previous one is released when its last run has ended.
   */
  use(next: Runner): Promise<void>;
  /** Releases the runner after its last run. The engine can't be used afterwards. */
  release(): Promise<void>;
}

interface Job {
  readonly matrix: Float32Array;
  readonly rows: number;
  readonly client: Client | undefined;
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
 * Divides the rows of a run equally among the requests that have waited longest. Each of them gets
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
 * Creates an engine that batches requests for a runner:
 *
 * 1. if no run is in progress, a run starts at the end of the event loop's turn, with all requests
 *    that arrived in that turn;
 * 2. requests that arrive during a run share the next run, which starts immediately afterwards;
 * 3. runs are short: a long list takes several runs, and short requests share each of them.
 *
 * If the runner needs no promise, single rows have their own queue; see {@link RowBatch}.
 *
 * Batching does not change a single bit of the predictions, since the prediction of a row does not
 * depend on other rows. If a run fails, its requests are run again one by one, so a request fails
 * only because of its own rows.
 *
 * @param maxQueuedBytes a request may be larger if nothing else is in the queue
 */
export function batched(
  first: Runner,
  maxQueuedBytes: number = usualQueueBytes,
  metrics: Metrics = new Metrics(),
): BatchedEngine {
  const durations = metrics.histogram("prediction_inference_duration_seconds", {});
  const rowsPerRun = metrics.histogram("prediction_inference_rows", {});
  const queuedRowsOfAll = metrics.level("prediction_rows_queued", {});
  const { columns, outputs, isList } = first;
  const maxQueuedRows = Math.floor(
    maxQueuedBytes / (Float32Array.BYTES_PER_ELEMENT * (columns + outputs)),
  );
  let runner = first;
  let rowBatch = batchRows(first);
  let queue: Job[] = [];
  let queuedRows = 0;
  let isRunning = false;
  let currentRun = Promise.resolve();

  function queueRows(rows: number): void {
    queuedRows += rows;
    queuedRowsOfAll.value += rows;
  }

  /** Removes requests that are finished or abandoned. */
  function prune(): void {
    queue = queue.filter((job) => {
      if (waitingRows(job) === 0) return false;
      if (!job.client?.signal.aborted) return true;
      queueRows(-waitingRows(job));
      job.reject(new AbandonedError());
      return false;
    });
  }

  function gather(parts: readonly Part[]): Float32Array {
    const [only, another] = parts;
    const rowsOf = ({ job, from, rows }: Part) =>
      job.matrix.subarray(from * columns, (from + rows) * columns);
    if (only !== undefined && another === undefined) return rowsOf(only);
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const matrix = new Float32Array(rows * columns);
    let offset = 0;
    for (const part of parts) {
      matrix.set(rowsOf(part), offset);
      offset += part.rows * columns;
    }
    return matrix;
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

  function observeRun(matrix: Float32Array, start: number): void {
    durations.observe((performance.now() - start) / 1000);
    rowsPerRun.observe(matrix.length / columns);
  }

  function batchRows({ runNow, maxRunRows }: Runner): RowBatch | undefined {
    if (!runNow) return undefined;
    const runRows = (matrix: Float32Array) => {
      const start = performance.now();
      const predictions = runNow(matrix);
      observeRun(matrix, start);
      return predictions;
    };
    const maxRows = Math.min(maxRunRows, requestsPerBatch);
    return new RowBatch(runRows, { columns, outputs, maxRows });
  }

  async function run(parts: readonly Part[]): Promise<void> {
    try {
      const matrix = gather(parts);
      const start = performance.now();
      const running = runner.run(matrix);
      const predictions = running instanceof Promise ? await running : running;
      observeRun(matrix, start);
      scatter(predictions, parts);
      if (!(running instanceof Promise)) await nextTurn();
    } catch (error) {
      if (parts.length > 1) {
        for (const part of parts) await run([part]);
        return;
      }
      for (const { job } of parts) {
        queueRows(-waitingRows(job));
        job.begun = job.rows;
        job.reject(error);
      }
    }
  }

  async function runAll(): Promise<void> {
    while (queue.length > 0) {
      const parts = takeParts(queue, runner.maxRunRows);
      for (const { rows } of parts) queueRows(-rows);
      currentRun = run(parts);
      await currentRun;
      prune();
    }
    isRunning = false;
  }

  return {
    get name() {
      return runner.name;
    },
    columns,
    outputs,
    isList,
    get isCheap() {
      return rowBatch !== undefined;
    },
    predict(matrix, client) {
      const rows = matrix.length / columns;
      if (rows === 1 && rowBatch) return rowBatch.predict(matrix);
      if (rows === 0) return Promise.resolve(new Float32Array());
      if (queuedRows + rows > maxQueuedRows) prune();
      if (queuedRows > 0 && queuedRows + rows > maxQueuedRows) {
        return Promise.reject(new QueueFullError(`${queuedRows} rows are waiting`));
      }
      queueRows(rows);
      return new Promise((resolve, reject) => {
        queue.push({ matrix, rows, client, resolve, reject, begun: 0 });
        if (!isRunning) {
          isRunning = true;
          setImmediate(runAll);
        }
      });
    },
    async use(next) {
      const previous = runner;
      runner = next;
      rowBatch = batchRows(next);
      await currentRun;
      await previous.release();
    },
    async release() {
      await currentRun;
      await runner.release();
    },
  };
}
