import { once } from "node:events";
import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import type { CompiledTrees, NotCompiled } from "./compile-trees.ts";
import type { TreeModelOptions } from "./tree-model.ts";

/** What the thread compiles. */
export interface CompileTask {
  /** The path of an ONNX file. */
  readonly path: string;
  /** The SHA-256 that the file must have, in hex. */
  readonly version: string;
  readonly options: TreeModelOptions;
}

/** A quarter of the memory that the process may use. */
export function defaultHeapMiB(): number {
  // 0, or more than there is, if no container limits it.
  const limit = process.constrainedMemory() || Infinity;
  return Math.floor(Math.min(limit, totalmem()) / 4 / 2 ** 20);
}

/**
 * Compiles a model in a thread, since this takes a long time and creates much garbage. The thread
 * ends afterwards.
 *
 * @param maxHeapMiB the maximum heap size of the thread. The model is not compiled if it needs more
 * @throws {Error} if the file can't be read
 */
export async function compileInThread(
  task: CompileTask,
  maxHeapMiB: number = defaultHeapMiB(),
): Promise<CompiledTrees | NotCompiled> {
  const worker = new Worker(new URL("./compile-worker.ts", import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
  });
  try {
    const [result] = await once(worker, "message");
    return result;
  } catch (error) {
    const isExhausted = error instanceof Error && "code" in error;
    if (!isExhausted || error.code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
    return { reason: `compiling it needs more than ${maxHeapMiB} MiB of memory` };
  }
}
