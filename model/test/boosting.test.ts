import { describe, expect, test } from "vitest";
import { type BoostingStep, boost, findTreeCount } from "../src/boosting.ts";
import type { Samples } from "../src/columns.ts";
import { crossValidate } from "../src/cross-validation.ts";
import { countLeaves, type Ensemble, predictEnsemble } from "../src/ensemble.ts";
import type { Hyperparameters } from "../src/hyperparameters.ts";
import { Mt19937 } from "../src/mt19937.ts";

const defaults: Hyperparameters = {
  maxTrees: 1,
  leavesPerTree: 2,
  shrinkage: 1,
  minLeafRows: 1,
  l2: 0,
  minGain: 1e-9,
  maxBins: 255,
  rowFraction: 1,
  featureFraction: 1,
  validationFraction: 0.25,
  patience: 5,
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

function fit(samples: Samples, changes: Partial<Hyperparameters> = {}, validation?: Samples) {
  const steps: BoostingStep[] = [];
  const ensemble = boost(samples, validation, { ...defaults, ...changes }, (step) =>
    steps.push(step),
  );
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
    const { ensemble } = fit(samples, { maxTrees: 3 });
    expect(ensemble.baseScore).toBe(2.5);
    expect(countLeaves(ensemble)).toBe(3);
    expect(predictions(ensemble, samples)).toEqual([2.5, 2.5, 2.5, 2.5]);
  });

  test("one tree with two leaves predicts a step function exactly", () => {
    const samples = samplesOf([0, 0, 1, 1], [1, 1, 3, 3]);
    const { ensemble, steps } = fit(samples);
    expect(predictions(ensemble, samples)).toEqual([1, 1, 3, 3]);
    expect(steps).toEqual([{ trees: 1, maxTrees: 1, trainingRmse: 0, validationRmse: undefined }]);
  });

  test("after n trees, (1 − shrinkage)ⁿ of the error of a step function is left", () => {
    const { steps } = fit(samplesOf([0, 0, 1, 1], [1, 1, 3, 3]), { shrinkage: 0.5, maxTrees: 4 });
    expect(steps.map(({ trainingRmse }) => trainingRmse)).toEqual([0.5, 0.25, 0.125, 0.0625]);
  });

  test("every tree that is trained on all rows lowers the training error", () => {
    const { steps } = fit(noisySamples(300), { maxTrees: 30, leavesPerTree: 4, shrinkage: 0.3 });
    const errors = steps.map(({ trainingRmse }) => trainingRmse);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  test("the same seed gives the same trees, a different seed gives different trees", () => {
    const samples = noisySamples(200);
    const sampled = { maxTrees: 5, leavesPerTree: 4, rowFraction: 0.5, featureFraction: 0.7 };
    const { ensemble } = fit(samples, sampled);
    expect(fit(samples, sampled).ensemble).toEqual(ensemble);
    expect(fit(samples, { ...sampled, seed: 43 }).ensemble).not.toEqual(ensemble);
  });
});

describe("early stopping", () => {
  const overfitting = { maxTrees: 400, leavesPerTree: 16, shrinkage: 0.5, patience: 7 };

  test("early stopping keeps the trees up to the lowest validation error, after `patience` more", () => {
    const { ensemble, steps } = fit(noisySamples(200), overfitting, noisySamples(200, 2));
    const errors = steps.map(({ validationRmse }) => validationRmse ?? Number.NaN);
    expect(errors.indexOf(Math.min(...errors)) + 1).toBe(ensemble.trees.length);
    expect(steps).toHaveLength(ensemble.trees.length + 7);
  });

  test("the tree count is found by validating on the last samples", () => {
    const samples = noisySamples(200);
    const watched: BoostingStep[] = [];
    const hyperparameters = { ...defaults, ...overfitting };
    const trees = findTreeCount(samples, hyperparameters, (step) => watched.push(step));
    expect(watched).toHaveLength(trees + 7);
    const firstRows = {
      columns: samples.columns.map((column) => column.subarray(0, 150)),
      targets: samples.targets.subarray(0, 150),
    };
    expect(fit(firstRows, { ...overfitting, maxTrees: 1 }).steps[0]?.trainingRmse).toBe(
      watched[0]?.trainingRmse,
    );
  });
});

describe("cross-validation", () => {
  test("cross-validation scores every number of trees on rows that were not used for training", () => {
    const samples = noisySamples(300);
    const hyperparameters = { ...defaults, leavesPerTree: 4, shrinkage: 0.3, maxTrees: 40 };
    const r2 = crossValidate(samples, hyperparameters, 3);
    expect(r2).toHaveLength(40);
    expect(r2[0]).toBeLessThan(0.6);
    expect(r2[39]).toBeGreaterThan(0.9);
    expect(r2[39]).toBeLessThan(0.999);
  });

  test("cross-validation gives noise a score near zero", () => {
    const { columns } = noisySamples(200);
    const { targets } = noisySamples(200, 9);
    const r2 = crossValidate({ columns, targets }, { ...defaults, maxTrees: 5 }, 4);
    expect(r2.at(-1)).toBeLessThan(0.1);
  });
});
