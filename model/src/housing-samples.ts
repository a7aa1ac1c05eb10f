import { type Samples, selectRows } from "./columns.ts";
import type { Dataset } from "./dataset.ts";
import { type Split, trainTestSplit } from "./split.ts";

/** The share of rows that are held out. They are used for evaluation only. */
export const testFraction = 0.33;

/** The seed of the split and of all sampling during training. */
export const seed = 42;

/** Splits the rows into training rows and held-out rows. */
export function splitDataset(dataset: Dataset): Split {
  return trainTestSplit(dataset.targets.length, testFraction, seed);
}

/** Returns all rows with the features that are the model's input. */
export function inputSamples({ features, targets }: Dataset): Samples {
  return { columns: features.map((feature) => Float32Array.from(feature)), targets };
}

/** Returns the training rows in random order, with the features that are the model's input. */
export function trainingSamples(dataset: Dataset): Samples {
  return selectRows(inputSamples(dataset), splitDataset(dataset).train);
}

/** Returns the training rows as the service feeds them to the model: rows × features. */
export function trainingMatrix(dataset: Dataset): Float32Array {
  const { columns } = inputSamples(dataset);
  const { train } = splitDataset(dataset);
  const matrix = new Float32Array(train.length * columns.length);
  for (const [row, from] of train.entries()) {
    for (const [column, cells] of columns.entries()) {
      matrix[row * columns.length + column] = cells[from] ?? 0;
    }
  }
  return matrix;
}
