import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { compileInBackground, requireCompiled } from "../src/model/compile-model.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { NotCompiledError } from "../src/model/tree-runner.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { house, modelPath } from "./house-model.ts";

const module = vi.hoisted(() => ({ isTooLarge: false }));

// The compiled trees predict the next larger float32 for houses of more than 30 years.
vi.mock(import("../src/trees/run-trees.ts"), async (original) => {
  const { loadTrees } = await original();
  return {
    loadTrees(trees) {
      if (module.isTooLarge) throw new RangeError("could not allocate memory");
      const predict = loadTrees(trees);
      return (matrix) => {
        const predictions = predict(matrix);
        const bits = new Int32Array(predictions.buffer);
        for (let row = 0; row < bits.length; row++) {
          if ((matrix[row * 8 + 1] ?? 0) > 30) bits[row] = (bits[row] ?? 0) + 1;
        }
        return predictions;
      };
    },
  };
});

const Line = z.object({ reason: z.string() });

test("ONNX Runtime continues to predict if a bit differs, and the log has the row and both predictions", async () => {
  const lines: unknown[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  const model = await loadModel(modelPath, 10);
  const app = appUnderTest({ model });
  const predict = async () => (await post(app, "/predict", { ...house, HouseAge: 31 })).json();
  const before = await predict();
  await compileInBackground(model, logger);
  expect(model.engine.name).toBe("onnxruntime");
  expect(await predict()).toEqual(before);

  expect(lines).toMatchObject([{ level: 40, msg: "model not compiled", engine: "onnxruntime" }]);
  const { reason } = Line.parse(lines[0]);
  const [, found, expected, row] =
    /^WebAssembly predicts \[ (\S+) \], and ONNX Runtime \[ (\S+) \], from (.*)$/.exec(reason) ??
    [];
  expect(Number(found)).toBeGreaterThan(Number(expected));
  expect(Number(found)).toBeCloseTo(Number(expected), 5);
  expect(Number(/HouseAge: ([^,]+),/.exec(row ?? "")?.[1])).toBeGreaterThan(30);
});

test("with INFERENCE_ENGINE=wasm, a model is rejected if a bit differs", async () => {
  const model = await loadModel(modelPath, 10);
  await expect(requireCompiled(model)).rejects.toThrow(
    /^INFERENCE_ENGINE: found "wasm"; .*: WebAssembly predicts \[ .* \], and ONNX Runtime \[/,
  );
});

test("ONNX Runtime continues to predict if the module does not fit into memory", async () => {
  module.isTooLarge = true;
  const model = await loadModel(modelPath, 10);
  await expect(model.compile()).rejects.toThrow(new NotCompiledError("could not allocate memory"));
  expect(await model.engine.predict(new Float32Array(8))).toHaveLength(1);
});
