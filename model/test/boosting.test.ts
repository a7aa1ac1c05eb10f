import { describe, expect, test } from "vitest";
import { type BoostingRules, type BoostingStep, boost } from "../src/boosting.ts";
import type { Samples } from "../src/columns.ts";
import { foldsOf } from "../src/cross-validation.ts";
import {
  averageEnsembles,
  countLeaves,
  type Ensemble,
  predictEnsemble,
  treeNodes,
} from "../src/ensemble.ts";
import { Mt19937 } from "../src/mt19937.ts";

const defaults: BoostingRules = {
  trees: 1,
  leavesPerTree: 2,
  maxDepth: 30,
  shrinkage: 1,
  minLeafRows: 1,
  l2: 0,
  minGain: 1e-9,
  maxBins: 255,
  rowFraction: 1,
  seed: 42,
};

function samplesOf(column: readonly number[], targets: readonly number[]): Samples {
  return { columns: [Float32Array.from(column)], targets: Float64Array.from(targets) };
}

/** Noisy targets that depend on the first two of three features. */
function noisySamples(rows: number, seed = 1): Samples {
  const generator = new Mt19937(seed);
  const random = () => generator.nextUint32() / 2 ** 32;
  const columns = Array.from({ length: 3 }, () => Float32Array.from({ length: rows }, random));
  const [first = new Float32Array(), second = new Float32Array()] = columns;
  const targets = Float64Array.from(first, (value, row) => {
    return (value > 0.5 ? 1 : 0) + 2 * (second[row] ?? 0) + 0.2 * random();
  });
  return { columns, targets };
}

function fit(samples: Samples, changes: Partial<BoostingRules> = {}, fraction = 1) {
  const steps: BoostingStep[] = [];
  const set = { columns: [...samples.columns.keys()], fraction };
  const ensemble = boost(samples, set, { ...defaults, ...changes }, (step) => steps.push(step));
  return { ensemble, steps };
}

function predictions(ensemble: Ensemble, samples: Samples): readonly number[] {
  return [...predictEnsemble(ensemble, samples.columns)];
}

describe("boosting", () => {
  test("boosting rejects a feature that is not finite", () => {
    const samples = samplesOf([0, Number.NaN], [1, 2]);
    expect(() => fit(samples)).toThrow("a feature has a value that is not finite");
  });

  test("a constant target is predicted by the base score alone", () => {
    const samples = samplesOf([1, 2, 3, 4], [2.5, 2.5, 2.5, 2.5]);
    const { ensemble } = fit(samples, { trees: 3 });
    expect(ensemble.baseScore).toBe(2.5);
    expect(countLeaves(ensemble)).toBe(3);
    expect(predictions(ensemble, samples)).toEqual([2.5, 2.5, 2.5, 2.5]);
  });

  test("one tree with two leaves predicts a step function exactly", () => {
    const samples = samplesOf([0, 0, 1, 1], [1, 1, 3, 3]);
    const { ensemble, steps } = fit(samples);
    expect(predictions(ensemble, samples)).toEqual([1, 1, 3, 3]);
    expect(steps).toEqual([{ trees: 1, rules: defaults, trainingRmse: 0 }]);
  });

  test("after n trees, (1 − shrinkage)ⁿ of the error of a step function is left", () => {
    const { steps } = fit(samplesOf([0, 0, 1, 1], [1, 1, 3, 3]), { shrinkage: 0.5, trees: 4 });
    expect(steps.map(({ trainingRmse }) => trainingRmse)).toEqual([0.5, 0.25, 0.125, 0.0625]);
  });

  test("every tree that is trained on all rows lowers the training error", () => {
    const { steps } = fit(noisySamples(300), { trees: 30, leavesPerTree: 4, shrinkage: 0.3 });
    const errors = steps.map(({ trainingRmse }) => trainingRmse);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  test("the same seed gives the same trees, a different seed gives different trees", () => {
    const samples = noisySamples(200);
    const sampled = { trees: 5, leavesPerTree: 4, rowFraction: 0.5 };
    const { ensemble } = fit(samples, sampled, 0.7);
    expect(fit(samples, sampled, 0.7).ensemble).toEqual(ensemble);
    expect(fit(samples, { ...sampled, seed: 43 }, 0.7).ensemble).not.toEqual(ensemble);
  });

  test("trees split only on the columns of the feature set", () => {
    const samples = noisySamples(200);
    const rules = { ...defaults, trees: 20, leavesPerTree: 4 };
    const { trees } = boost(samples, { columns: [0, 2], fraction: 0.5 }, rules, () => {});
    const tested = new Set(
      trees.flatMap(treeNodes).flatMap((node) => (node.kind === "branch" ? [node.feature] : [])),
    );
    expect(tested).toEqual(new Set([0, 2]));
  });

  test("the average of ensembles predicts the mean of their predictions", () => {
    const samples = noisySamples(200);
    const ensembles = [1, 2].map(
      (seed) => fit(samples, { trees: 5, rowFraction: 0.5, seed }).ensemble,
    );
    const [one = [], two = []] = ensembles.map((each) => predictions(each, samples));
    const averaged = predictions(averageEnsembles(ensembles), samples);
    for (const [row, value] of averaged.entries()) {
      expect(value).toBeCloseTo(((one[row] ?? 0) + (two[row] ?? 0)) / 2, 5);
    }
  });
});

describe("folds", () => {
  test("every row is in one part, and in the others of all other folds", () => {
    const samples = samplesOf([0, 1, 2, 3, 4, 5, 6], [0, 10, 20, 30, 40, 50, 60]);
    const folds = foldsOf(samples, 3);
    expect(folds.flatMap(({ rows }) => [...rows])).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const { rows, part, others } of folds) {
      expect([...part.targets]).toEqual(Array.from(rows, (row) => row * 10));
      expect([...part.targets, ...others.targets].toSorted((a, b) => a - b)).toEqual([
        ...samples.targets,
      ]);
    }
  });
});
