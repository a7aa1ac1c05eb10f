import { expect, test } from "vitest";
import { featureSets } from "../src/derived-features.ts";
import { trainingSamples } from "../src/housing-samples.ts";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { crossValidate, tuningFolds } from "../src/tuning.ts";
import { madeUpDataset } from "./made-up-houses.ts";

const rules = { ...chosenHyperparameters.prediction, trees: 30, leavesPerTree: 8 };
const sets = Object.values(featureSets);

test("cross-validation scores every number of trees on rows that were not used for training", () => {
  const r2 = crossValidate(tuningFolds(trainingSamples(madeUpDataset(600))), sets, rules);
  expect(r2).toHaveLength(30);
  expect(r2[0]).toBeLessThan(0.4);
  expect(r2[29]).toBeGreaterThan(0.85);
  expect(r2[29]).toBeLessThan(0.9999);
});

test("cross-validation gives random targets a score near zero, although neighbours' targets are features", () => {
  const samples = trainingSamples(madeUpDataset(600));
  const { features } = madeUpDataset(samples.targets.length, 9);
  const noise = { ...samples, targets: features[2] ?? new Float64Array() };
  expect(crossValidate(tuningFolds(noise), sets, rules).at(-1)).toBeLessThan(0.1);
});
