import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CardFeature } from "../model/card.ts";
import { defaultHeapMiB } from "../trees/compile-thread.ts";
import type { TreeModelOptions } from "../trees/tree-model.ts";

/** The model that a thread explains. */
export interface ExplainTask {
  /** The path of an ONNX file. */
  readonly path: string;
  /** The SHA-256 that the file must have, in hex. */
  readonly version: string;
  readonly options: TreeModelOptions;
  readonly features: readonly CardFeature[];
  /** How many numbers a prediction has. */
  readonly outputs: number;
  /** The card's covers. */
  readonly covers: string | undefined;
}

/** The first message of the thread. */
export interface Loaded {
  /** Why the model can't be explained; undefined if it can. */
  readonly reason: string | undefined;
}

/** The model can't be explained. The message says why. */
export class NotExplainedError extends Error {}

/**
 * Explains predictions in a thread, since that takes many times as long as predicting. The thread
 * starts with the first explanation, and again with the next one after a failure.
 */
export class ExplainThread {
  readonly #task: ExplainTask;
  readonly #maxHeapMiB: number;
  #worker: Worker | undefined;
  #reason: string | undefined;

  /** @param maxHeapMiB the maximum heap size. A model that needs more can't be explained */
  constructor(task: ExplainTask, maxHeapMiB: number = defaultHeapMiB()) {
    this.#task = task;
    this.#maxHeapMiB = maxHeapMiB;
  }

  /**
   * Explains rows as `Explanations` does. The next call must wait for this one.
   *
   * @throws {NotExplainedError} if the model can't be explained
   */
  async explain(matrix: Float32Array): Promise<Float64Array> {
    if (this.#reason !== undefined) throw new NotExplainedError(this.#reason);
    try {
      this.#worker ??= await this.#start();
      const answer = once(this.#worker, "message");
      this.#worker.postMessage(matrix);
      const [explained] = await answer;
      return explained;
    } catch (error) {
      const isExhausted =
        error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (!isExhausted) throw error;
      this.#reason = `explaining it needs more than ${this.#maxHeapMiB} MiB of memory`;
      throw new NotExplainedError(this.#reason, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #start(): Promise<Worker> {
    const worker = new Worker(new URL("./explain-worker.ts", import.meta.url), {
      workerData: this.#task,
      resourceLimits: { maxOldGenerationSizeMb: this.#maxHeapMiB },
    });
    worker.unref();
    worker.on("error", () => {
      this.#worker = undefined;
    });
    const [loaded] = await once(worker, "message");
    const { reason }: Loaded = loaded;
    if (reason === undefined) return worker;
    this.#reason = reason;
    throw new NotExplainedError(reason);
  }
}
