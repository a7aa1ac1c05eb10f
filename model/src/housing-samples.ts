import { type Samples, selectRows } from "./columns.ts";
import type { Dataset } from "./dataset.ts";
import { DERIVED_FEATURES } from "./derived-features.ts";
import { runFeatureProgram } from "./feature-program.ts";
import { type Split, trainTestSplit } from "./split.ts";

/** Share of the rows that are held out: no choice ever sees them. */
export const TEST_FRACTION = 0.33;

/** Seed of the split, and of all sampling in training. */
export const SEED = 42;

/** The rows that train and the rows that are held out. */
export function splitDataset(dataset: Dataset): Split {
  return trainTestSplit(dataset.targets.length, TEST_FRACTION, SEED);
}

/** All rows with the features that the model takes. */
export function inputSamples({ features, targets }: Dataset): Samples {
  return { columns: features.map((feature) => Float32Array.from(feature)), targets };
}

/** All rows with the features that trees split on. */
export function treeSamples(dataset: Dataset): Samples {
  const { columns, targets } = inputSamples(dataset);
  return { columns: runFeatureProgram(DERIVED_FEATURES, columns), targets };
}

/** The training rows, in the random order of the split, with the features that trees split on. */
export function trainingSamples(dataset: Dataset): Samples {
  return selectRows(treeSamples(dataset), splitDataset(dataset).train);
}
