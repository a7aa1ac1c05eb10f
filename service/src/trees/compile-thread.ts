import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CompiledTrees, NotCompiled } from "./compile-trees.ts";
import type { TreeModelOptions } from "./tree-model.ts";

/** What the thread compiles. */
export interface CompileTask {
  /** Path of an ONNX file. */
  readonly path: string;
  /** SHA-256 that the file must have, in hex. */
  readonly version: string;
  readonly options: TreeModelOptions;
}

/**
 * Compiles a model in a thread, since this takes long and leaves much garbage. The thread ends when
 * it is done.
 *
 * @throws Error when the file can't be read
 */
export async function compileInThread(task: CompileTask): Promise<CompiledTrees | NotCompiled> {
  const worker = new Worker(new URL("./compile-worker.ts", import.meta.url), { workerData: task });
  const [result] = await once(worker, "message");
  return result;
}
