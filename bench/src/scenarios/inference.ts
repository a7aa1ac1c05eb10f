import "../../../service/src/model/no-telemetry.ts";
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { loadModel } from "../../../service/src/model/loaded-model.ts";
import { compileTrees } from "../../../service/src/trees/compile-trees.ts";
import { loadTrees } from "../../../service/src/trees/run-trees.ts";
import { drawBatches, modelFile } from "../houses.ts";
import type { Scenario } from "../scenario.ts";
import { takeTurns } from "../turns.ts";

const most = 10_000;
const mostExplained = 1_000;
const sizes = [1, 10, 100, 1_000, most];
const own = "µs per house";
const onnx = "ONNX Runtime, µs per house";
const explanation = "explanation, CPU µs per house";

const elapsedUs = () => performance.now() * 1_000;
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export const inference: Scenario = {
  name: "inference",
  columns: ["houses", own, onnx, "× ONNX Runtime", explanation],
  targets: sizes.map((houses) => ({
    where: { houses },
    column: "× ONNX Runtime",
    atMost: houses < 100 ? 0.25 : 0.5,
  })),
  async measure(run) {
    const oneThread = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    const session = await InferenceSession.create(modelFile, oneThread);
    const [input = ""] = session.inputNames;
    const [output = ""] = session.outputNames;
    const compiled = compileTrees(readFileSync(modelFile), { output });
    if ("reason" in compiled) throw new Error(compiled.reason);
    const runCompiled = loadTrees(compiled);
    const model = await loadModel(modelFile, mostExplained);
    run.stack.defer(() => model.release());
    const turns = sizes.map((size) => {
      const batches = drawBatches(Math.min(2_000, (2 * most) / size), size);
      const explained = batches.slice(0, Math.min(100, mostExplained / size));
      async function cost(
        used: typeof batches,
        predict: (batch: Float32Array) => unknown,
        clock = elapsedUs,
      ) {
        const start = clock();
        for (const batch of used) await predict(batch);
        return (clock() - start) / used.length / size;
      }
      const runOnnx = (batch: Float32Array) => {
        const shape = [size, batch.length / size];
        return session.run({ [input]: new Tensor("float32", batch, shape) }, [output]);
      };
      const measure = async () => ({
        [own]: await cost(batches, runCompiled),
        [onnx]: await cost(batches, runOnnx),
        ...(explained.length > 0 && {
          [explanation]: await cost(explained, model.explainer.predict, cpuUs),
        }),
      });
      return { labels: { houses: size }, run: measure };
    });
    const rows = await takeTurns(turns, run);
    return rows.map((row) => ({ ...row, "× ONNX Runtime": Number(row[own]) / Number(row[onnx]) }));
  },
};
