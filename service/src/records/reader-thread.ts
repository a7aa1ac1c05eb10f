import { Worker } from "node:worker_threads";
import { AbandonedError } from "../model/engine.ts";
import type { RefusalParts } from "../wire/refusal.ts";
import type { BodyShape } from "./reader.ts";
import type { Matrix, RecordSchema } from "./schema.ts";

/** Settings of the thread. */
export interface ReaderSettings {
  readonly schema: RecordSchema;
  readonly maxRecords: number;
}

/** A body to read. */
export interface ReadTask {
  readonly shape: BodyShape;
  /** Each is a view of its own buffer, which is transferred to the thread. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
}

/** The matrix, or the error response. */
export type ReadResult = Matrix | Pick<RefusalParts, "status" | "text" | "body">;

/** The thread ran out of memory. */
export class ThreadExhaustedError extends Error {}

interface Job {
  readonly task: ReadTask;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly resolve: (result: ReadResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Matrices and bodies are not on the heap, but error responses are while they are written. */
const usualHeapMiB = 64;

/** The thread creates few objects, so it needs no more, whatever `NODE_OPTIONS` says. */
const youngHeapMiB = 8;

/**
 * A thread that reads one body at a time. Among the waiting bodies, the shortest is read first. The
 * thread starts with the first body, and restarts with the next body after a failure.
 */
export class ReaderThread {
  readonly #settings: ReaderSettings;
  readonly #maxHeapMiB: number;
  #worker: Worker | undefined;
  #running: Job | undefined;
  #waiting: Job[] = [];

  /**
   * @param maxHeapMiB the maximum heap size. If exceeded, the thread ends and the current body is
   *   lost
   */
  constructor(settings: ReaderSettings, maxHeapMiB = usualHeapMiB) {
    this.#settings = settings;
    this.#maxHeapMiB = maxHeapMiB;
  }

  /**
   * @param signal if aborted, the body is dropped unless it is already being read
   * @throws {AbandonedError} if the body was dropped
   * @throws {ThreadExhaustedError} if this body needs too much memory; other bodies are not
   *   affected
   */
  read(task: ReadTask, signal: AbortSignal): Promise<ReadResult> {
    const bytes = task.blocks.reduce((sum, block) => sum + block.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, bytes, signal, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #next(): void {
    if (this.#running) return;
    this.#waiting.sort((one, other) => one.bytes - other.bytes);
    const job = this.#waiting.shift();
    if (job === undefined) return;
    if (job.signal.aborted) {
      job.reject(new AbandonedError());
      this.#next();
      return;
    }
    this.#running = job;
    const { task } = job;
    this.#worker ??= this.#start();
    this.#worker.postMessage(
      task,
      task.blocks.map(({ buffer }) => buffer),
    );
  }

  #start(): Worker {
    const worker = new Worker(new URL("./reader-worker.ts", import.meta.url), {
      workerData: this.#settings,
      resourceLimits: {
        maxOldGenerationSizeMb: this.#maxHeapMiB,
        maxYoungGenerationSizeMb: youngHeapMiB,
      },
    });
    worker.unref();
    worker.on("message", (result: ReadResult) => this.#finish((job) => job.resolve(result)));
    worker.on("error", (error: Error & { readonly code?: string }) => {
      const isExhausted = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#worker = undefined;
      this.#finish((job) => job.reject(isExhausted ? new ThreadExhaustedError() : error));
    });
    return worker;
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#running;
    this.#running = undefined;
    if (job) settle(job);
    this.#next();
  }
}
