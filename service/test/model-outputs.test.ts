import { describe, expect, test } from "vitest";
import { vectorOfIntegers } from "../../model/src/onnx-nodes.ts";
import { castTo, operatorModel, smallModel } from "../../model/test/small-models.ts";
import { fc } from "../../test/seeded-fast-check.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { post } from "./app-under-test.ts";
import {
  appOfModel,
  modelFiles,
  numbers,
  predictMany,
  predictOne,
  schemasOf,
} from "./model-under-test.ts";

describe("predictions", () => {
  const features = numbers("a");
  const record = { a: 2.5 };

  test("a prediction is a number if the output has the shape [N]", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: [{ name: "y", type: "float32", shape: ["N"] }],
      nodes: [
        {
          operator: "ReduceMax",
          inputs: ["x"],
          output: "y",
          attributes: { axes: { ints: [1] }, keepdims: { int: 0 } },
        },
      ],
    });
    expect(await predictMany(await appOfModel(onnx, { features }), [record])).toEqual([2.5]);
  });

  test("a prediction of shape [N, 1] is a number, or a list if the card names the number", async () => {
    const onnx = operatorModel("Identity");
    expect(await predictOne(await appOfModel(onnx, { features }), record)).toBe(2.5);
    const named = await appOfModel(onnx, { features, target: { outputs: ["probability"] } });
    expect(await predictMany(named, [record, record])).toEqual([[2.5], [2.5]]);
    expect(await schemasOf(named)).toMatchObject({
      RecordPrediction: { properties: { prediction: { type: "array", maxItems: 1 } } },
    });
  });

  const several = smallModel({
    inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
    outputs: [
      { name: "label", type: "int64", shape: ["N", 1] },
      { name: "text", type: "string", shape: ["N", 1] },
      { name: "twice", type: "float64", shape: ["N", 2] },
    ],
    nodes: [
      { operator: "Cast", inputs: ["x"], output: "label", attributes: castTo("int64") },
      { operator: "Cast", inputs: ["x"], output: "text", attributes: castTo("string") },
      { operator: "Concat", inputs: ["x", "x"], output: "xx", attributes: { axis: { int: 1 } } },
      { operator: "Cast", inputs: ["xx"], output: "twice", attributes: castTo("float64") },
    ],
  });

  test("a prediction is the last of several outputs, or the one that the card names", async () => {
    expect(await predictOne(await appOfModel(several, { features }), record)).toEqual([2.5, 2.5]);
    const label = await appOfModel(several, { features, target: { output: "label" } });
    expect(await predictOne(label, { a: 16_777_217 })).toBe(16_777_216);
    expect(await predictOne(label, record)).toBe(2);
  });

  test.each([
    [
      "an output that the model does not have",
      { output: "z" },
      "the model has no output z; it has label, text, twice",
    ],
    [
      "an output of strings",
      { output: "text" },
      "output text is of type string, not a number: name another output as target.output",
    ],
    [
      "too few numbers",
      { outputs: ["one"] },
      "target.outputs has 1 names, and output twice has 2 numbers for each row",
    ],
  ])("a model is rejected if the card names %s", async (_, target, message) => {
    await expect(appOfModel(several, { features, target })).rejects.toThrow(message);
  });

  test("a model is rejected if it predicts a different number of rows", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: [{ name: "y", type: "float32", shape: ["M", 2] }],
      constants: [vectorOfIntegers("pairs", [-1, 2])],
      nodes: [{ operator: "Reshape", inputs: ["x", "pairs"], output: "y" }],
    });
    await expect(appOfModel(onnx, { features })).rejects.toThrow(
      "output y has shape [8, 2] for 16 rows; it must be [16], [16, 1] or [16, C]",
    );
  });

  test("infinities and NaN in predictions are null, since JSON does not have them", async () => {
    const app = await appOfModel(operatorModel("Log"), { features });
    const text = await (
      await post(app, "/bulk_predict", { records: [{ a: 1 }, { a: 0 }, { a: -1 }] })
    ).text();
    expect(text).toBe('{"predictions":[0,null,null]}');
    const list = await appOfModel(operatorModel("Log", { columns: 2 }), {
      features: numbers("a", "b"),
    });
    expect(await predictOne(list, { a: -1, b: 1 })).toEqual([null, 0]);
  });

  test("a prediction of an output of doubles is rounded to float32", async () => {
    const onnx = operatorModel("Identity", { type: "float64" });
    expect(await predictOne(await appOfModel(onnx, { features }), { a: 0.1 })).toBe(
      Math.fround(0.1),
    );
  });
});

/** Returns the squares of 0 to 3. A larger number makes the run fail. */
const gather = smallModel({
  inputs: [{ name: "x", type: "int64", shape: ["N", 1] }],
  outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
  nodes: [
    {
      operator: "Constant",
      inputs: [],
      output: "numbers",
      attributes: { value_floats: { floats: [0, 1, 4, 9] } },
    },
    { operator: "Gather", inputs: ["numbers", "x"], output: "y" },
  ],
});

test("a model that fails for one record does not fail other requests", async () => {
  const features = [{ name: "a", type: "integer", example: 1 }];
  const app = await appOfModel(gather, { features });
  const statuses = await Promise.all(
    [2, 99, 3].map(async (a) => {
      const response = await post(app, "/predict", { a });
      return [response.status, await response.text()];
    }),
  );
  expect(statuses).toEqual([
    [200, '{"prediction":4}'],
    [500, '{"detail":"Internal Server Error"}'],
    [200, '{"prediction":9}'],
  ]);
});

describe("batches", () => {
  const coefficients = Array.from({ length: 7 }, (_, index) => Math.sin(index + 1));
  const linear = smallModel({
    inputs: [{ name: "x", type: "float32", shape: ["N", 7] }],
    outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
    nodes: [
      {
        operator: "LinearRegressor",
        domain: "ai.onnx.ml",
        inputs: ["x"],
        output: "y",
        attributes: { coefficients: { floats: coefficients } },
      },
    ],
  });
  const models: [string, Uint8Array][] = [
    ["LinearRegressor", linear],
    ...["Log", "Sin", "Softplus"].map((operator): [string, Uint8Array] => [
      operator,
      operatorModel(operator, { columns: 7 }),
    ]),
  ];
  const row = fc.array(fc.float({ noNaN: true, min: Math.fround(0.1), max: 5 }), {
    minLength: 7,
    maxLength: 7,
  });

  test.each(models)(
    "the prediction of a row does not depend on the other rows, bit for bit: %s",
    async (_, onnx) => {
      const names = ["a", "b", "c", "d", "e", "f", "g"];
      const path = modelFiles(onnx, { features: numbers(...names) });
      const { engine } = await loadModel(path, 1);
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
          const together = await engine.predict(Float32Array.from(rows.flat()));
          const alone = [];
          for (const each of rows) alone.push(...(await engine.predict(Float32Array.from(each))));
          expect([...together]).toEqual(alone);
        }),
        { numRuns: 30 },
      );
    },
  );
});
