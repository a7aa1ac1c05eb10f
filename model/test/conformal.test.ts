import { describe, expect, test } from "vitest";
import { fitIntervals } from "../src/conformal.ts";
import { measureCoverage } from "../src/coverage.ts";
import { predictEnsemble } from "../src/ensemble.ts";
import { runFeatureProgram } from "../src/feature-program.ts";
import { fitHouseModel, treeSamples } from "../src/house-model.ts";
import { inputSamples } from "../src/housing-samples.ts";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { Mt19937 } from "../src/mt19937.ts";
import { madeUpDataset } from "./made-up-houses.ts";

const { prediction, error } = chosenHyperparameters;
const hyperparameters = {
  prediction: { ...prediction, trees: 20, leavesPerTree: 8 },
  error: { ...error, trees: 20, leavesPerTree: 4, minLeafRows: 20 },
};

/** Houses with noisy values, ten times as noisy if the income is high. */
function noisyHouses(rows: number, seed: number) {
  const houses = inputSamples(madeUpDataset(rows, seed));
  const generator = new Mt19937(seed + 100);
  const isExpensive = Array.from(houses.columns[0] ?? [], (income) => income > 8);
  const targets = houses.targets.map((target, row) => {
    const noise = generator.nextUint32() / 2 ** 31 - 1;
    return target + noise * (isExpensive[row] ? 1 : 0.1);
  });
  return { ...houses, targets, isExpensive };
}

describe("prediction intervals", () => {
  const training = noisyHouses(1500, 1);
  const samples = treeSamples(training);
  const model = fitHouseModel(samples, hyperparameters.prediction, () => {});
  const { ensemble, minimumError, factors } = fitIntervals(
    training,
    samples,
    hyperparameters,
    () => {},
  );
  const fresh = noisyHouses(1500, 2);
  const columns = runFeatureProgram(model.program, fresh.columns);
  const errors = predictEnsemble(ensemble, columns);
  const predictions = predictEnsemble(model.ensemble, columns);
  const reachOf = (row: number, level: number) =>
    (factors[String(level)] ?? Number.NaN) * Math.max(minimumError, errors[row] ?? 0);

  test.each([0.8, 0.9, 0.95])("intervals of level %s contain that share of new values", (level) => {
    const [all] = measureCoverage(fresh, predictions, reachOf);
    expect(Math.abs((all?.coverage[String(level)] ?? 0) - level)).toBeLessThan(0.03);
  });

  test("intervals are wider where values are noisier", () => {
    const mean = (wanted: boolean) => {
      const some = errors.filter((_, row) => fresh.isExpensive[row] === wanted);
      return some.reduce((sum, each) => sum + each, 0) / some.length;
    };
    expect(mean(true) / mean(false)).toBeGreaterThan(1.5);
  });

  test("factors grow with the level, from 0.5 to 0.99", () => {
    const entries = Object.entries(factors);
    expect(entries.map(([level]) => level).at(0)).toBe("0.5");
    expect(entries.map(([level]) => level).at(-1)).toBe("0.99");
    const values = entries.map(([, factor]) => factor);
    expect(values).toEqual(values.toSorted((one, other) => one - other));
    expect(minimumError).toBeGreaterThan(0);
  });
});

test("coverage is the share of values inside their interval, for all houses and for each group", () => {
  const houses = inputSamples(madeUpDataset(4));
  const located = {
    // Two houses in Los Angeles, one in San Francisco, one in the far north.
    columns: houses.columns
      .with(6, Float32Array.of(34, 34, 37.8, 41))
      .with(7, Float32Array.of(-118, -118, -122.3, -122)),
    targets: Float64Array.of(1.5, 2.5, 2.6, 5.00001),
  };
  const coverage = measureCoverage(located, Float32Array.of(1, 1, 2.5, 2), () => 0.5);
  const shares = Object.fromEntries(
    coverage.map(({ houses: group, rows, coverage }) => [group, [rows, coverage["0.8"]]]),
  );
  expect(shares).toEqual({
    all: [4, 0.5],
    "below 1": [0, null],
    "1 to 2": [1, 1],
    "2 to 3": [2, 0.5],
    "3 to 5": [0, null],
    capped: [1, 0],
    "San Francisco Bay Area": [1, 1],
    "Greater Los Angeles": [2, 0.5],
    "rest of the south": [0, null],
    "rest of the north": [1, 0],
  });
});
