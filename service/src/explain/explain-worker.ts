import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { readOnnxGraph } from "../trees/onnx-file.ts";
import { readTreeModel } from "../trees/tree-model.ts";
import { Unsupported } from "../trees/unsupported.ts";
import { readCovers } from "./covers.ts";
import type { ExplainTask, Loaded } from "./explain-thread.ts";
import { countCovers, explainedTrees } from "./explained-trees.ts";
import { Explanations } from "./explanations.ts";
import { drawTypicalRows } from "./typical-rows.ts";

/** The number of rows that replace the training rows if the card has no covers. */
const typicalRows = 4096;

function load({ path, version, options, features, outputs, covers }: ExplainTask): Explanations {
  const onnx = readFileSync(path);
  if (hash("sha256", onnx) !== version) throw new Unsupported(`${path} has changed`);
  const trees = explainedTrees(readTreeModel(readOnnxGraph(onnx), options));
  if (trees.features !== features.length || trees.outputs.length !== outputs) {
    const found = `${trees.outputs.length} numbers from ${trees.features} features`;
    throw new Unsupported(`its trees predict ${found}`);
  }
  const counted =
    covers === undefined
      ? countCovers(trees, drawTypicalRows(features, typicalRows))
      : readCovers(covers, trees.leaves);
  return new Explanations(trees, counted);
}

function send(message: Loaded): void {
  parentPort?.postMessage(message);
}

try {
  const explanations = load(workerData);
  send({ reason: undefined });
  parentPort?.on("message", (matrix: Float32Array) => {
    const explained = explanations.explain(matrix);
    parentPort?.postMessage(explained, [explained.buffer]);
  });
} catch (error) {
  // A RangeError means that an array would be too long.
  if (!(error instanceof Unsupported || error instanceof RangeError)) throw error;
  send({ reason: error.message });
}
