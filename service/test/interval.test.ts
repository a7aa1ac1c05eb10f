import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TreeNode } from "../../model/src/ensemble.ts";
import { exportOnnx } from "../../model/src/onnx-export.ts";
import { loadOnnxPredictor } from "../../model/src/onnx-predictor.ts";
import { smallModel } from "../../model/test/small-models.ts";
import { fc } from "../../test/seeded-fast-check.ts";
import { createIntervals, endsIn, predictionsIn, withIntervals } from "../src/model/interval.ts";
import { type CompilableModel, loadModel } from "../src/model/loaded-model.ts";
import { selectOutput } from "../src/model/select-output.ts";
import { readOnnxGraph } from "../src/trees/onnx-file.ts";
import { houseCard, modelPath } from "./house-model.ts";
import { modelFiles, numbers } from "./model-under-test.ts";

const interval = {
  output: "error",
  minimumError: 0.5,
  factors: { "0.5": 1, "0.8": 2, "0.95": 3 },
};

/** A tree that returns one value up to a threshold, and another above. */
const stump = (low: number, high: number): TreeNode => ({
  kind: "branch",
  feature: 0,
  threshold: 0,
  gain: 1,
  left: { kind: "leaf", value: low },
  right: { kind: "leaf", value: high },
});

/** Predicts 10 with an error of 2 above 0, and otherwise 20 with an error of 0.25. */
const twoOutputs = exportOnnx({
  name: "two outputs",
  producer: { name: "test", version: "1" },
  features: { input: "x", constants: {}, operations: [] },
  inputColumns: 1,
  outputs: [
    { name: "value", ensemble: { baseScore: 0, trees: [stump(20, 10)] } },
    { name: "error", ensemble: { baseScore: 0, trees: [stump(0.25, 2)] } },
  ],
  metadata: {},
});

async function load(onnx: Uint8Array, card: object): Promise<CompilableModel> {
  const model = await loadModel(modelFiles(onnx, { features: numbers("a"), ...card }), 100);
  onTestFinished(() => model.reader.close());
  return model;
}

const target = { output: "value" };

describe("a card whose intervals are invalid", () => {
  test.each<[string, object, RegExp]>([
    ["no factors", { ...interval, factors: {} }, /interval, factors: there must be at least one/],
    [
      "a level above 1",
      { ...interval, factors: { "1.5": 1 } },
      /interval, factors, [\d.]+: a level is between 0 and 1/,
    ],
    [
      "a level in percent",
      { ...interval, factors: { "80": 1 } },
      /interval, factors, [\d.]+: a level is between 0 and 1/,
    ],
    [
      "levels that do not ascend",
      { ...interval, factors: { "0.8": 1, "0.5": 2 } },
      /interval, factors, 0.5: the level must be higher than the one before/,
    ],
    [
      "factors that shrink",
      { ...interval, factors: { "0.5": 2, "0.8": 1 } },
      /interval, factors, 0.8: .* the factor not smaller/,
    ],
    ["a minimum error of 0", { ...interval, minimumError: 0 }, /interval, minimumError: /],
    ["an unknown member", { ...interval, level: 0.9 }, /interval: Unrecognized key: "level"/],
    [
      "an output that the model does not have",
      { ...interval, output: "spread" },
      /the model has no output spread; it has value, error/,
    ],
  ])("a card whose intervals have %s is refused", async (_, invalid, message) => {
    await expect(load(twoOutputs, { target, interval: invalid })).rejects.toThrow(message);
  });

  test("intervals are refused for a model whose output is named interval", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: ["interval", "error"].map((name) => ({ name, type: "float32", shape: ["N", 1] })),
      nodes: ["interval", "error"].map((output) => ({
        operator: "Abs",
        inputs: ["x"],
        output,
      })),
    });
    await expect(load(onnx, { target: { output: "interval" }, interval })).rejects.toThrow(
      "interval: the model's output must not be named interval, since this is the name of the output with the intervals",
    );
    expect((await load(onnx, { target: { output: "interval" } })).intervals).toBeUndefined();
  });

  test("intervals are refused for a model that predicts several numbers", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 2] }],
      outputs: [
        { name: "value", type: "float32", shape: ["N", 2] },
        { name: "error", type: "float32", shape: ["N", 2] },
      ],
      nodes: [
        { operator: "Identity", inputs: ["x"], output: "value" },
        { operator: "Abs", inputs: ["x"], output: "error" },
      ],
    });
    const card = { features: numbers("a", "b"), target, interval };
    await expect(load(onnx, card)).rejects.toThrow(
      "interval: both outputs must have one number for each row; value has 2 and error 2",
    );
  });
});

describe("an interval", () => {
  const { levels, factorOf, around } = createIntervals(interval);

  test("the factor of a level is that of the next level in the card", () => {
    expect(levels).toEqual([0.5, 0.95]);
    expect([0.5, 0.51, 0.8, 0.81, 0.95].map(factorOf)).toEqual([1, 2, 2, 3, 3]);
  });

  test.each([0, 0.49, 0.96, 1, Number.NaN])("the level %d is out of range", (level) => {
    expect(() => factorOf(level)).toThrow(
      new RangeError(`the level is ${level}; it must be from 0.5 to 0.95`),
    );
  });

  test.each([
    [["0.5", "0.99"], 0.9],
    [["0.95", "0.99"], 0.95],
    [["0.5", "0.8"], 0.8],
  ])("if a model has the levels %j, the default is %d", (given, level) => {
    const factors = Object.fromEntries(given.map((each) => [each, 1]));
    expect(createIntervals({ ...interval, factors }).defaultLevel).toBe(level);
  });

  test("an interval extends by the factor times the error, or times the minimum error", () => {
    expect(around(10, 2, 3)).toEqual([4, 16]);
    expect(around(10, 0.1, 3)).toEqual([8.5, 11.5]);
    expect(around(10, -5, 3)).toEqual([8.5, 11.5]);
  });

  test("an interval contains its prediction, and the interval of every lower level", () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    const level = fc.double({ min: 0.5, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(float, float, level, level, (prediction, error, one, other) => {
        const [low, high] = around(prediction, error, factorOf(Math.min(one, other)));
        const [lower, higher] = around(prediction, error, factorOf(Math.max(one, other)));
        expect(low).toBeLessThanOrEqual(prediction);
        expect(high).toBeGreaterThanOrEqual(prediction);
        expect(lower).toBeLessThanOrEqual(low);
        expect(higher).toBeGreaterThanOrEqual(high);
      }),
    );
  });
});

describe("an ONNX file with one of its outputs", () => {
  test.each(["value", "error"])(
    "the file with the output %s predicts the same, without the other output",
    async (output) => {
      const selected = selectOutput(twoOutputs, output);
      const { nodes, outputs, inputs } = readOnnxGraph(selected);
      expect(outputs).toEqual([output]);
      expect(nodes.map((node) => node.outputs)).toEqual([[output]]);
      expect(inputs).toEqual(readOnnxGraph(twoOutputs).inputs);
      const rows = [Float32Array.of(-1, 1)];
      const expected = await (await loadOnnxPredictor(twoOutputs, output))(rows);
      expect(await (await loadOnnxPredictor(selected))(rows)).toEqual(expected);
    },
  );

  test("selecting an output of the committed file keeps what both outputs need", async () => {
    const file = readFileSync(modelPath);
    const nodesOf = (onnx: Uint8Array) => readOnnxGraph(onnx).nodes;
    for (const output of ["MedHouseVal", "MedHouseValError"]) {
      const kept = nodesOf(selectOutput(file, output));
      expect(kept).toEqual(
        nodesOf(file).filter(
          ({ outputs }) => !outputs[0]?.startsWith("MedHouseVal") || outputs[0] === output,
        ),
      );
    }
  });
});

describe("a model with intervals", () => {
  const rows = Float32Array.of(-1, 1, 0);

  test("the model predicts errors only on request, and both engines predict the same bits", async () => {
    const { engine, intervals, compile } = await load(twoOutputs, { target, interval });
    if (intervals === undefined) throw new Error("the model has no intervals");
    const { factorOf } = intervals;
    const withErrors = withIntervals(engine, intervals, factorOf(0.8));
    async function predict() {
      const both = await withErrors.predict(rows);
      return { predictions: Float32Array.from(predictionsIn(both)), ends: [...endsIn(both)] };
    }
    const expected = {
      predictions: Float32Array.of(20, 10, 20),
      ends: [19, 21, 6, 14, 19, 21],
    };
    expect([engine.name, intervals.engine.name]).toEqual(["onnxruntime", "onnxruntime"]);
    expect(await predict()).toEqual(expected);
    expect(await engine.predict(rows)).toEqual(expected.predictions);
    await compile();
    expect([engine.name, intervals.engine.name]).toEqual(["wasm", "wasm"]);
    expect(await predict()).toEqual(expected);
    expect(await engine.predict(rows)).toEqual(expected.predictions);
  });

  test("a card without intervals gives a model without them", async () => {
    expect((await load(twoOutputs, { target })).intervals).toBeUndefined();
  });

  test("the committed card allows levels from 0.5 to 0.99", () => {
    if (houseCard.interval === undefined) throw new Error("the committed card has no intervals");
    expect(createIntervals(houseCard.interval).levels).toEqual([0.5, 0.99]);
  });
});
