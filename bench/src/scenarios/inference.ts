import "../../../service/src/model/no-telemetry.ts";
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { compileTrees } from "../../../service/src/trees/compile-trees.ts";
import { loadTrees } from "../../../service/src/trees/run-trees.ts";
import { drawBatches, modelFile } from "../houses.ts";
import type { Scenario } from "../scenario.ts";
import { takeTurns } from "../turns.ts";

const most = 10_000;
const sizes = [1, 10, 100, 1_000, most];
const own = "µs per house";
const onnx = "ONNX Runtime, µs per house";

export const inference: Scenario = {
  name: "inference",
  title: "Inference alone",
  about: `The model compiled to WebAssembly and ONNX Runtime with the same model, without HTTP and the batcher, by the number of houses in a batch. Both use one thread. The houses are drawn from the distributions of the data set.`,
  columns: ["houses", own, onnx, "× ONNX Runtime"],
  charts: [
    { name: "inference", title: "Inference by batch size", group: "houses", figures: [own, onnx] },
  ],
  targets: sizes.map((houses) => ({
    where: { houses },
    column: "× ONNX Runtime",
    atMost: houses < 100 ? 0.25 : 0.5,
  })),
  async measure(report) {
    const oneThread = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    const session = await InferenceSession.create(modelFile, oneThread);
    const [input = ""] = session.inputNames;
    const [output = ""] = session.outputNames;
    const compiled = compileTrees(readFileSync(modelFile), { output });
    if ("reason" in compiled) throw new Error(compiled.reason);
    const runCompiled = loadTrees(compiled);
    const contenders = sizes.map((size) => {
      const batches = drawBatches(Math.min(2_000, (2 * most) / size), size);
      const cost = async (predict: (batch: Float32Array) => unknown) => {
        const start = performance.now();
        for (const batch of batches) await predict(batch);
        return ((performance.now() - start) * 1_000) / batches.length / size;
      };
      const runOnnx = (batch: Float32Array) => {
        const shape = [size, batch.length / size];
        return session.run({ [input]: new Tensor("float32", batch, shape) }, [output]);
      };
      const run = async () => ({
        [own]: await cost(runCompiled),
        [onnx]: await cost(runOnnx),
      });
      return { labels: { houses: size }, run };
    });
    const rows = await takeTurns(contenders, report, 9);
    return rows.map((row) => ({ ...row, "× ONNX Runtime": Number(row[own]) / Number(row[onnx]) }));
  },
};
