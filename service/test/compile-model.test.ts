import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { compileInBackground, requireCompiled } from "../src/model/compile-model.ts";
import { type CompilableModel, loadModel } from "../src/model/loaded-model.ts";
import { DifferenceError, NotCompiledError } from "../src/model/tree-runner.ts";
import { compileInThread } from "../src/trees/compile-thread.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { house, houseCard, modelPath } from "./house-model.ts";
import { modelFiles, numbers, temporaryFolder } from "./model-under-test.ts";
import { startService } from "./service-process.ts";
import { ensembleNode } from "./trees/ensembles.ts";
import { onnxFile } from "./trees/onnx-writer.ts";

/** A model without trees: it adds 1. */
const addition = () =>
  modelFiles(
    onnxFile({
      inputs: { input: { type: "float", columns: 1 } },
      outputs: ["sum"],
      constants: { one: { type: "float", dimensions: [1], values: [1] } },
      nodes: [{ operator: "Add", inputs: ["input", "one"], outputs: ["sum"] }],
    }),
    { features: numbers("a") },
  );
const noTrees = "the output is not computed by trees";

async function load(path: string): Promise<CompilableModel> {
  const model = await loadModel(path, 100_000);
  onTestFinished(() => model.reader.close());
  return model;
}

/** The committed model in a folder of its own. */
function houseModelCopy(): string {
  const path = `${temporaryFolder()}/m.onnx`;
  copyFileSync(modelPath, path);
  copyFileSync(modelPath.replace("onnx", "json"), path.replace("onnx", "json"));
  return path;
}

const One = z.object({ prediction: z.number() });
const Many = z.object({ predictions: z.array(z.number()) });

/** A logger, and the lines that it writes. */
function recordingLogger() {
  const lines: unknown[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { logger: pino({ level: "trace" }, { write }), lines };
}

describe("a model that is not compiled", () => {
  test("ONNX Runtime continues to predict with a model without trees", async () => {
    const model = await load(addition());
    await expect(model.compile()).rejects.toThrow(new NotCompiledError(noTrees));
    expect(model.engine.name).toBe("onnxruntime");
    expect(await model.engine.predict(Float32Array.of(2, 3))).toEqual(Float32Array.of(3, 4));
  });

  test("ONNX Runtime continues to predict if the file has changed", async () => {
    const path = houseModelCopy();
    const model = await load(path);
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.of(0)]));
    await expect(model.compile()).rejects.toThrow(new NotCompiledError(`${path} has changed`));
    expect(await model.engine.predict(new Float32Array(8))).toHaveLength(1);
  });

  test("a model is not compiled if this needs more memory than the thread may use", async () => {
    const task = { path: modelPath, version: houseCard.version, options: {} };
    expect(await compileInThread(task, 4)).toEqual({
      reason: "compiling it needs more than 4 MiB of memory",
    });
  });

  test("the log says at level info why a model is not compiled", async () => {
    const { logger, lines } = recordingLogger();
    await compileInBackground(await load(addition()), logger);
    expect(lines).toMatchObject([
      { level: 30, msg: "model not compiled", engine: "onnxruntime", reason: noTrees },
    ]);
  });

  test("if WebAssembly predicts different bits, the log has a warning with the row and both predictions", async () => {
    const { logger, lines } = recordingLogger();
    const model = await load(modelPath);
    const difference = { row: { MedInc: 8.5, HouseAge: -0 }, expected: [1.5], found: [1.25] };
    const compile = () => Promise.reject(new DifferenceError(difference));
    await compileInBackground({ ...model, compile }, logger);
    const reason =
      "WebAssembly predicts [ 1.25 ], and ONNX Runtime [ 1.5 ], from { MedInc: 8.5, HouseAge: -0 }";
    expect(lines).toMatchObject([{ level: 40, msg: "model not compiled", reason }]);
  });

  test("the log has an error if compiling fails unexpectedly", async () => {
    const { logger, lines } = recordingLogger();
    const model = await load(modelPath);
    await compileInBackground({ ...model, compile: () => Promise.reject(Error("bug")) }, logger);
    expect(lines).toMatchObject([
      { level: 50, msg: "model not compiled", err: { message: "bug" } },
    ]);
  });

  test("a model that must be compiled is rejected with the setting and the reason", async () => {
    await expect(requireCompiled(await load(addition()))).rejects.toThrow(
      `INFERENCE_ENGINE: found "wasm"; the model m needs "auto" or "onnxruntime": ${noTrees}`,
    );
  });
});

test("the committed model is predicted by WebAssembly once it is compiled", async () => {
  const { logger, lines } = recordingLogger();
  const model = await load(modelPath);
  expect(model.engine.name).toBe("onnxruntime");
  const matrix = Float32Array.from({ length: 300 * 8 }, (_, at) => (at * 37) % 101);
  const before = await model.engine.predict(matrix);
  await compileInBackground(model, logger);
  expect(model.engine.name).toBe("wasm");
  expect(await model.engine.predict(matrix)).toEqual(before);
  expect(lines).toMatchObject([{ level: 30, msg: "model compiled", engine: "wasm" }]);
});

test("a model with 5,000 features is compiled", async () => {
  const leaf = (weight: number) => ({ weights: [weight] });
  const branch = { mode: "BRANCH_LEQ", value: 0.5, nanIsTrue: false };
  const trees = [0, 4_999].map((feature) => {
    return { ...branch, feature, whenTrue: leaf(1), whenFalse: leaf(2) };
  });
  const onnx = onnxFile({
    inputs: { features: { type: "float", columns: 5_000 } },
    outputs: ["scores"],
    nodes: [ensembleNode({ operator: "TreeEnsembleRegressor", targets: 1, trees })],
  });
  const names = Array.from({ length: 5_000 }, (_, index) => `f${index}`);
  const model = await load(modelFiles(onnx, { features: numbers(...names) }));
  await model.compile();
  expect(model.engine.name).toBe("wasm");
});

test("no request is lost and no bit differs while WebAssembly replaces ONNX Runtime", async () => {
  const model = await load(modelPath);
  const app = appUnderTest({ model });
  const houses = Array.from({ length: 500 }, (_, index) => ({ ...house, Population: index + 1 }));
  const one = async (index: number) =>
    One.parse(await (await post(app, "/predict", houses[index])).json()).prediction;
  const all = async () =>
    Many.parse(await (await post(app, "/bulk_predict", { houses })).json()).predictions;
  const expected = await all();

  let isCompiled = false;
  const compiled = model.compile().then(() => {
    isCompiled = true;
  });
  const engines = new Set<string>();
  for (let answers = 0, more = 5; more > 0; answers++) {
    if (isCompiled) more--;
    engines.add(model.engine.name);
    const index = answers % houses.length;
    const [list, alone] = await Promise.all([all(), one(index)]);
    expect(list).toEqual(expected);
    expect(alone).toBe(expected[index]);
    await turn();
  }
  await compiled;
  expect([...engines]).toEqual(["onnxruntime", "wasm"]);
});

describe("INFERENCE_ENGINE", () => {
  /** Predicts the example house, past the cache. */
  async function predict(port: number): Promise<unknown> {
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    const init = { method: "POST", headers, body: JSON.stringify(house) };
    return (await fetch(`http://127.0.0.1:${port}/predict`, init)).json();
  }

  test("with INFERENCE_ENGINE=auto, the service listens first and then compiles the model", async () => {
    const service = startService();
    expect(await service.logged("listening")).toMatchObject({ engine: "onnxruntime" });
    const before = await predict(await service.port());
    expect(await service.logged("model compiled")).toMatchObject({ engine: "wasm" });
    expect(await predict(await service.port())).toEqual(before);
  });

  test("with INFERENCE_ENGINE=auto, a model without trees is served, and the log says why it is not compiled", async () => {
    const service = startService({ MODEL_PATH: addition() });
    const line = await service.logged("model not compiled");
    expect(line).toMatchObject({ engine: "onnxruntime", reason: noTrees });
    const health = await fetch(`http://127.0.0.1:${await service.port()}/health`);
    expect(health.status).toBe(200);
  });

  test("with INFERENCE_ENGINE=wasm, the model is compiled before the service listens", async () => {
    const service = startService({ INFERENCE_ENGINE: "wasm" });
    expect(await service.logged("listening")).toMatchObject({ engine: "wasm" });
    expect(await predict(await service.port())).toEqual({ prediction: expect.any(Number) });
  });

  test("with INFERENCE_ENGINE=wasm, the process exits with status 1 and says why the model is not compiled", async () => {
    const service = startService({ INFERENCE_ENGINE: "wasm", MODEL_PATH: addition() });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toBe(
      `INFERENCE_ENGINE: found "wasm"; the model m needs "auto" or "onnxruntime": ${noTrees}\n`,
    );
  });

  test("with INFERENCE_ENGINE=onnxruntime, the model is never compiled", async () => {
    const service = startService({ INFERENCE_ENGINE: "onnxruntime" });
    expect(await service.logged("listening")).toMatchObject({ engine: "onnxruntime" });
    await delay(1_500);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
    expect(service.log.filter(({ msg }) => /compiled/.test(msg))).toEqual([]);
  });

  test.each([0, 20, 100, 200])(
    "SIGTERM %i ms after the start of compiling stops the service",
    async (ms) => {
      const service = startService();
      await service.port();
      await delay(ms);
      service.signal("SIGTERM");
      expect(await service.exitStatus()).toBe(0);
      expect(service.log.map(({ msg }) => msg)).toContain("stopped");
      expect(service.stderr()).toBe("");
    },
  );
});
