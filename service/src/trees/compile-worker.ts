import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { CompileTask } from "./compile-thread.ts";
import { type CompiledTrees, compileTrees, type NotCompiled } from "./compile-trees.ts";

function compile({ path, version, options }: CompileTask): CompiledTrees | NotCompiled {
  const onnx = readFileSync(path);
  if (hash("sha256", onnx) !== version) return { reason: `${path} has changed` };
  return compileTrees(onnx, options);
}

const result = compile(workerData);
parentPort?.postMessage(result, "bytes" in result ? [result.bytes.buffer] : []);
