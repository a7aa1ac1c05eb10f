import { Worker } from "node:worker_threads";
import { AbandonedError } from "../model/engine.ts";
import { tooLarge } from "../wire/body.ts";
import { Refusal, type RefusalParts } from "../wire/refusal.ts";

/** A body to read. */
export interface ReadTask {
  /** Each is a view of its own buffer, which is transferred to the thread. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
}

/** What a thread returns: the result, or the error response. */
export type ReadResult<Result> = { readonly result: Result } | { readonly refused: RefusalParts };

interface Job<Task, Result> {
  readonly task: Task;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Matrices and bodies are not on the heap, but error responses are while they are written. */
const defaultHeapMiB = 64;

/** The thread creates few objects, so it needs no more, whatever `NODE_OPTIONS` says. */
const youngHeapMiB = 8;

/**
 * A thread that reads one body at a time. Among the waiting bodies, the shortest is read first. The
 * thread starts with the first body, and restarts with the next body after a failure.
 */
export class ReaderThread<Task extends ReadTask, Result> {
  readonly #program: URL;
  readonly #settings: unknown;
  readonly #maxHeapMiB: number;
  #worker: Worker | undefined;
  #running: Job<Task, Result> | undefined;
  #waiting: Job<Task, Result>[] = [];

  /**
   * @param program the module that the thread runs, which calls `answerReads`
   * @param settings plain data for the module
   * @param maxHeapMiB the maximum heap size. If exceeded, the thread ends and the current body is
   *   lost
   */
  constructor(program: URL, settings: unknown, maxHeapMiB = defaultHeapMiB) {
    this.#program = program;
    this.#settings = settings;
    this.#maxHeapMiB = maxHeapMiB;
  }

  /**
   * @param signal if aborted, the body is dropped unless it is already being read
   * @throws {AbandonedError} if the body was dropped
   * @throws {Refusal} if the body is invalid; 413 if it needs too much memory, which does not affect
   *   other bodies
   */
  read(task: Task, signal: AbortSignal): Promise<Result> {
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
    const worker = new Worker(this.#program, {
      workerData: this.#settings,
      resourceLimits: {
        maxOldGenerationSizeMb: this.#maxHeapMiB,
        maxYoungGenerationSizeMb: youngHeapMiB,
      },
    });
    worker.unref();
    worker.on("message", (answer: ReadResult<Result>) =>
      this.#finish((job) => {
        if ("result" in answer) job.resolve(answer.result);
        else job.reject(new Refusal(answer.refused));
      }),
    );
    worker.on("error", (error: Error & { readonly code?: string }) => {
      const isExhausted = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#worker = undefined;
      this.#finish((job) => job.reject(isExhausted ? tooLarge() : error));
    });
    return worker;
  }

  #finish(settle: (job: Job<Task, Result>) => void): void {
    const job = this.#running;
    this.#running = undefined;
    if (job) settle(job);
    this.#next();
  }
}
