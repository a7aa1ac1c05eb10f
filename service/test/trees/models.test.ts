import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { testNeeding } from "../../../test/prerequisite.ts";
import { compileTrees } from "../../src/trees/compile-trees.ts";
import { compiled, expectReferenceBits, makeIntegers, makeStrings } from "./reference.ts";

const root = path.join(import.meta.dirname, "../../..");
const committed = readFileSync(path.join(root, "model/california-housing.onnx"));
const rawHouses = path.join(root, "../shared/data/cal_housing.data");
const models = path.join(root, "../shared/models");

const testWithHouses = testNeeding(existsSync(rawHouses));
const testWithModels = testNeeding(existsSync(models));

/** Returns the features of the houses in the raw file, row by row. */
function houses(): Float32Array {
  const lines = readFileSync(rawHouses, "utf8").trimEnd().split("\n");
  const rows = lines.map((line) => {
    const cells = line.split(",").map(Number);
    const [longitude = 0, latitude = 0, age = 0, rooms = 0, bedrooms = 0, people = 0] = cells;
    const [households = 1, income = 0] = cells.slice(6);
    const averages = [rooms / households, bedrooms / households, people, people / households];
    return [income, age, ...averages, latitude, longitude];
  });
  return Float32Array.from(rows.flat());
}

const outputs = ["MedHouseVal", "MedHouseValError"];

testWithHouses(
  "the committed model predicts all rows of its data, and their errors, like ONNX Runtime",
  async () => {
    const matrix = houses();
    expect(matrix).toHaveLength(8 * 20_640);
    for (const output of outputs) await expectReferenceBits(committed, matrix, { output });
  },
);

testWithHouses("the committed model predicts a house alone as in a list", () => {
  const [output = ""] = outputs;
  const predict = compiled(committed, { output });
  const matrix = houses().subarray(0, 8 * 1000);
  const alone = Array.from({ length: 1000 }, (_, row) =>
    predict(matrix.subarray(row * 8, row * 8 + 8)),
  );
  expect(alone.flatMap((prediction) => [...prediction])).toEqual([...predict(matrix)]);
});

/** Returns the predictions of Python's ONNX Runtime for the first rows of a model's data. */
const Expected = z.object({ predictions: z.array(z.array(z.number())) });

const trees = [
  { name: "wine-lightgbm", columns: 13 },
  { name: "cancer-xgboost-classifier", columns: 30 },
  {
    name: "flats-mixed",
    columns: 5,
    categories: ["hafen", "old town", "Nord", "Süd"],
    make: { rooms: makeIntegers, lift: makeIntegers, year: makeIntegers },
  },
];

testWithModels.each(trees)(
  "$name predicts all rows of its data like ONNX Runtime",
  async (model) => {
    const { name, columns, categories = [], make = {} } = model;
    const file = readFileSync(path.join(models, `${name}.onnx`));
    const options = { categories: new Map([["district", categories]]) };
    const csv = readFileSync(path.join(models, `${name}.csv`), "utf8");
    const cells = csv
      .trimEnd()
      .split("\n")
      .slice(1)
      .flatMap((line) => line.split(",").slice(0, columns));
    const matrix = Float32Array.from(cells, (cell) =>
      categories.includes(cell) ? categories.indexOf(cell) : Number(cell),
    );
    await expectReferenceBits(file, matrix, {
      ...options,
      make: { ...make, district: makeStrings(categories) },
    });

    const recorded = readFileSync(path.join(models, `${name}.expected.json`), "utf8");
    const byPython = Expected.parse(JSON.parse(recorded)).predictions.flat();
    expect([...compiled(file, options)(matrix).subarray(0, byPython.length)]).toEqual(byPython);
  },
);

const others = {
  "diabetes-network-double": "input X is not a table of float32, integers, booleans or strings",
  "diabetes-ridge": "operator LinearRegressor is not compiled",
  image: "input x is not a table of float32, integers, booleans or strings",
  "iris-probabilities": "operator LinearClassifier is not compiled",
  "iris-zipmap": "operator LinearClassifier is not compiled",
  "one-row-only": "input x is not a table of float32, integers, booleans or strings",
};

testWithModels.each(Object.entries(others))("%s is not compiled: %s", (name, reason) => {
  const file = readFileSync(path.join(models, `${name}.onnx`));
  expect(compileTrees(file)).toEqual({ reason });
});
