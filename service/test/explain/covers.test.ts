import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { coversOf, readCovers, writeCovers } from "../../src/explain/covers.ts";
import { drawTypicalRows } from "../../src/explain/typical-rows.ts";
import { ModelCard } from "../../src/model/card.ts";
import { houseCard, houseTrees, modelPath } from "../house-model.ts";
import { ensembleNode } from "../trees/ensembles.ts";
import { onnxFile } from "../trees/onnx-writer.ts";

test("covers are read as they were written", () => {
  const anyCovers = fc.uint32Array({ maxLength: 50 });
  fc.assert(
    fc.property(anyCovers, (covers) => {
      expect(readCovers(writeCovers(covers), covers.length)).toEqual(covers);
    }),
  );
});

test("covers for a different number of leaves are refused", () => {
  const text = writeCovers(Uint32Array.of(1, 200, 3));
  expect(() => readCovers(text, 4)).toThrow(
    "its card has 3 covers for 4 leaves; write the card again",
  );
});

test("covers are the number of rows that reach each leaf, from the ≤ side to the > side", () => {
  const branch = { mode: "BRANCH_GT", feature: 0, nanIsTrue: false };
  const ensemble = {
    operator: "TreeEnsembleRegressor",
    targets: 1,
    trees: [
      {
        ...branch,
        value: 1,
        whenTrue: { weights: [5] },
        whenFalse: { ...branch, value: 0, whenTrue: { weights: [6] }, whenFalse: { weights: [7] } },
      },
      { weights: [8] },
    ],
  } as const;
  const file = onnxFile({
    inputs: { features: { type: "float", columns: 1 } },
    outputs: ["scores"],
    nodes: [ensembleNode(ensemble)],
  });
  const covers = coversOf(file, {}, Float32Array.of(0.5, 2, 3, 0.7, -1, 9));
  expect(readCovers(covers ?? "", 4)).toEqual(Uint32Array.of(1, 2, 3, 6));
});

test("a model without trees has no covers", () => {
  const file = onnxFile({
    inputs: { features: { type: "float", columns: 1 } },
    outputs: ["sum"],
    nodes: [{ operator: "Add", inputs: ["features", "features"], outputs: ["sum"] }],
  });
  expect(coversOf(file, {}, Float32Array.of(1))).toBeUndefined();
});

test("the committed card has the covers of all training rows", () => {
  const { covers = "", split } = houseCard;
  const leaves = coversOf(readFileSync(modelPath), houseTrees, new Float32Array(8)) ?? "";
  const count = Buffer.from(leaves, "base64").length;
  const total = readCovers(covers, count).reduce((sum, cover) => sum + cover, 0);
  const { trees } = Object(houseCard.hyperparameters);
  expect(total).toBe(Object(split).trainRows * trees);
});

const { features } = ModelCard.parse({
  name: "m",
  version: "0".repeat(64),
  features: [
    {
      name: "size",
      minimum: 10,
      maximum: 1000,
      quantiles: { "0.5": 20, "0.9": 100 },
      example: 15,
    },
    { name: "floor", type: "integer", minimum: -1, maximum: 4, example: 0 },
    { name: "lift", type: "boolean", shares: { false: 0.25, true: 0.75 }, example: true },
    {
      name: "district",
      type: "category",
      categories: ["a", "b", "c"],
      shares: { c: 1 },
      example: "a",
    },
    { name: "unknown", example: 7 },
  ],
});

test("in typical rows, each feature has the distribution in the card", () => {
  const rows = 4000;
  const matrix = drawTypicalRows(features, rows);
  const column = (index: number) =>
    Array.from({ length: rows }, (_, row) => matrix[row * 5 + index] ?? 0);
  const share = (index: number, holds: (value: number) => boolean) =>
    column(index).filter(holds).length / rows;
  expect(share(0, (value) => value >= 10 && value <= 1000)).toBe(1);
  expect(share(0, (value) => value < 20)).toBeCloseTo(0.5, 1);
  expect(share(0, (value) => value > 100)).toBeCloseTo(0.1, 1);
  expect([...new Set(column(1))].sort((one, other) => one - other)).toEqual([-1, 0, 1, 2, 3, 4]);
  expect(share(2, (value) => value === 1)).toBeCloseTo(0.75, 1);
  expect(share(2, (value) => value === 0)).toBeCloseTo(0.25, 1);
  expect(share(3, (value) => value === 2)).toBe(1);
  expect(share(4, (value) => value === 7)).toBe(1);
});

test("typical rows are always the same", () => {
  expect(drawTypicalRows(features, 100)).toEqual(drawTypicalRows(features, 100));
});
