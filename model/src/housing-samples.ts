import { type Columns, type Samples, selectRows } from "./columns.ts";
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

/** The model's input for all rows. */
export function modelInput(dataset: Dataset): Columns {
  return dataset.features.map((feature) => Float32Array.from(feature));
}

/** All rows with the features that trees split on. */
export function treeSamples(dataset: Dataset): Samples {
  return {
    columns: runFeatureProgram(DERIVED_FEATURES, modelInput(dataset)),
    targets: dataset.targets,
  };
}

/** The training rows, in the random order of the split, with the features that trees split on. */
export function trainingSamples(dataset: Dataset): Samples {
  return selectRows(treeSamples(dataset), splitDataset(dataset).train);
}
