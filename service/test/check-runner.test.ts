import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { type CardFeature, ModelCard, maxExactInteger } from "../src/model/card.ts";
import { findDifference } from "../src/model/check-runner.ts";
import type { Runner } from "../src/model/engine.ts";
import { createRunner } from "../src/model/loaded-model.ts";
import type { OnnxRunner } from "../src/model/onnx-runner.ts";
import { houseCard, modelPath } from "./house-model.ts";
import { ensembleNode } from "./trees/ensembles.ts";
import { onnxFile } from "./trees/onnx-writer.ts";
import { compiled } from "./trees/reference.ts";

let onnx: OnnxRunner;
beforeAll(async () => {
  onnx = await createRunner(readFileSync(modelPath), houseCard);
});
const trees = compiled(readFileSync(modelPath), { output: "MedHouseVal" });

/** The next larger float32 of a positive number, the next smaller one of a negative number. */
function awayFromZero(value: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer).map((each) => each + 1);
  return new Float32Array(bits.buffer)[0] ?? 0;
}

/** The committed model with another function that predicts. */
function runnerOf(run: Runner["run"]): Runner {
  return { ...onnx, name: "test", run };
}

/** Compares the committed model in ONNX Runtime with another function that predicts. */
const differenceFrom = (run: Runner["run"]) =>
  findDifference(onnx, runnerOf(run), houseCard.features);

test("a runner that predicts the same bits has no difference", async () => {
  expect(await differenceFrom(trees)).toBeUndefined();
});

test("a reported difference contains the row and both predictions", async () => {
  const difference = await differenceFrom((matrix) =>
    trees(matrix).map((prediction) => prediction + 1),
  );
  const { row = {}, expected = [], found = [] } = difference ?? {};
  expect(Object.keys(row)).toEqual(houseCard.features.map(({ name }) => name));
  expect([...trees(Float32Array.from(Object.values(row)))]).toEqual(expected);
  expect(found).toEqual([Math.fround((expected[0] ?? 0) + 1)]);
});

test.each([
  ["of a row alone", (rows: number) => rows === 1],
  ["of two rows", (rows: number) => rows === 2],
  ["of 17 rows", (rows: number) => rows === 17],
  ["of 128 rows", (rows: number) => rows === 128],
])("a difference is found if the last bit %s differs", async (_, differs) => {
  const difference = await differenceFrom((matrix) => {
    const predictions = trees(matrix);
    return differs(predictions.length) ? predictions.map(awayFromZero) : predictions;
  });
  expect(difference).toBeDefined();
});

test.each(houseCard.features.map(({ name }, column) => ({ name, column })))(
  "a difference is found if a comparison of $name is wrong for equal numbers",
  async ({ column }) => {
    const columns = houseCard.features.length;
    const difference = await differenceFrom((matrix) =>
      trees(matrix.map((cell, at) => (at % columns === column ? awayFromZero(cell) : cell))),
    );
    expect(difference).toBeDefined();
  },
);

/** One tree behind a multiplication by a factor. */
function scaledTree(factor: number): Uint8Array {
  const leaf = (weight: number) => ({ weights: [weight] });
  return onnxFile({
    inputs: { input: { type: "float", columns: 1 } },
    outputs: ["scores"],
    constants: { factor: { type: "float", dimensions: [1], values: [factor] } },
    nodes: [
      { operator: "Mul", inputs: ["input", "factor"], outputs: ["features"] },
      ensembleNode({
        operator: "TreeEnsembleRegressor",
        targets: 1,
        trees: [
          {
            mode: "BRANCH_LEQ",
            feature: 0,
            value: 1.1,
            nanIsTrue: false,
            whenTrue: leaf(1),
            whenFalse: leaf(2),
          },
        ],
      }),
    ],
  });
}

const cardOf = (features: readonly object[]) =>
  ModelCard.parse({ name: "m", version: "0".repeat(64), features });

test("a difference is found if arithmetic in front of the trees is wrong in the last bit", async () => {
  const card = cardOf([{ name: "a", minimum: -100, maximum: 100, example: 1 }]);
  const [one, other] = [0.3, awayFromZero(0.3)].map((factor) => {
    return createRunner(scaledTree(factor), card);
  });
  if (!one || !other) throw new Error("there are two runners");
  expect(await findDifference(await one, await one, card.features)).toBeUndefined();
  expect(await findDifference(await one, await other, card.features)).toBeDefined();
});

/** Predicts 0, and records the rows that it receives. */
async function rowsFor(features: readonly CardFeature[]): Promise<readonly Float32Array[]> {
  const rows: Float32Array[] = [];
  const columns = features.length;
  const runner: Runner = {
    name: "test",
    columns,
    outputs: 1,
    isList: false,
    maxRunRows: 128,
    run(matrix) {
      for (let at = 0; at < matrix.length; at += columns) {
        rows.push(matrix.slice(at, at + columns));
      }
      return new Float32Array(matrix.length / columns);
    },
    release: async () => {},
  };
  expect(await findDifference(runner, runner, features)).toBeUndefined();
  return rows;
}

const mixed = cardOf([
  { name: "area", ge: 0, le: 500, minimum: 20, maximum: 200, example: 60 },
  { name: "rooms", type: "integer", gt: 0, example: 3 },
  { name: "lift", type: "boolean", example: true },
  { name: "district", type: "category", categories: ["a", "b", "c"], example: "b" },
  { name: "height", example: 100 },
]);

test("runners are compared only on values that the features allow", async () => {
  const rows = await rowsFor(mixed.features);
  expect(rows.length).toBeGreaterThan(4_000);
  for (const [area = NaN, rooms = NaN, lift = NaN, district = NaN, height = NaN] of rows) {
    const isAllowed =
      area >= 0 &&
      area <= 500 &&
      Number.isInteger(rooms) &&
      rooms >= 1 &&
      rooms <= maxExactInteger &&
      (lift === 0 || lift === 1) &&
      [0, 1, 2].includes(district) &&
      !Number.isNaN(height);
    if (!isAllowed) expect.fail(`a row is ${area}, ${rooms}, ${lift}, ${district}, ${height}`);
  }
});

test("runners are compared on the smallest and largest values that the features allow", async () => {
  const rows = await rowsFor(mixed.features);
  const valuesOf = (column: number) => [...new Set(rows.map((row) => row[column]))];
  expect(valuesOf(0)).toEqual(expect.arrayContaining([0, 2 ** -149, 1, 20, 60, 200, 500]));
  expect(valuesOf(1)).toEqual(expect.arrayContaining([1, 2, 3, maxExactInteger]));
  expect(valuesOf(2).sort()).toEqual([0, 1]);
  expect(valuesOf(3).sort()).toEqual([0, 1, 2]);
  const huge = [Infinity, -Infinity, 3.4028234663852886e38, -3.4028234663852886e38];
  expect(valuesOf(4)).toEqual(expect.arrayContaining([...huge, 0, 2 ** -126, -(2 ** -149)]));
  expect(rows.some((row) => Object.is(row[4], -0))).toBe(true);
});
