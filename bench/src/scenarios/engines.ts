import "../../../service/src/model/no-telemetry.ts";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { loadModel } from "../../../service/src/model/loaded-model.ts";
import { compileTrees } from "../../../service/src/trees/compile-trees.ts";
import { loadTrees } from "../../../service/src/trees/run-trees.ts";
import { drawBatches, modelFile } from "../houses.ts";
import { Client, countsText } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { startService, statusOf } from "../server.ts";
import { takeTurns } from "../turns.ts";

const lists = { path: "/bulk_predict", houses: 10_000, seconds: 4 };
const houses = { path: "/predict", houses: 1, clients: 8, seconds: 3.5 };

export const engines: Scenario = {
  name: "engines",
  columns: [
    ...["engine", "start ms", "+ ms", "MiB"],
    ...["/predict, p50 ms", "/predict, p99 ms", "/predict per second", "list, p50 ms"],
  ],
  targets: [
    { where: { engine: "auto" }, column: "+ ms", atMost: 60 },
    { where: { engine: "auto" }, column: "/predict, p99 ms", atMost: 6 },
  ],
  async measure(run) {
    const [single, bulk] = [run.stack.use(new Client()), run.stack.use(new Client())];
    async function measure(engine: string) {
      const start = performance.now();
      await using service = await startService({ environment: { INFERENCE_ENGINE: engine } });
      const startMs = performance.now() - start;
      // By then, the process has returned the memory that it needed only to start.
      await sleep(8_000);
      const residentMiB = statusOf(service, "VmRSS") / 1024;
      const [list, one] = await Promise.all([
        bulk.measure(service, lists),
        single.measure(service, houses),
      ]);
      const failed = countsText({ ...list.faults, ...one.faults });
      if (failed) throw new Error(`requests failed: ${failed}`);
      return {
        "start ms": startMs,
        MiB: residentMiB,
        "/predict, p50 ms": one.figures["p50 ms"],
        "/predict, p99 ms": one.figures["p99 ms"],
        "/predict per second": one.figures["requests/s"],
        "list, p50 ms": list.figures["p50 ms"],
      };
    }
    const turns = ["onnxruntime", "auto", "wasm"].map((engine) => {
      return { labels: { engine }, run: () => measure(engine) };
    });
    const rows = await takeTurns(turns, run);
    const first = Number(rows[0]?.["start ms"]);
    return rows.map((row) => ({ ...row, "+ ms": Number(row["start ms"]) - first }));
  },
};

const most = 10_000;
const mostExplained = 1_000;
const sizes = [1, 10, 100, 1_000, most];
const own = "µs per house";
const onnx = "ONNX Runtime, µs per house";
const explanation = "explanation, CPU µs per house";

type Predict = (batch: Float32Array) => unknown;
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
      async function cost(used: typeof batches, predict: Predict, clock = elapsedUs) {
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
