import type { Dataset } from "../../model/src/dataset.ts";
import { inputSamples, splitDataset } from "../../model/src/housing-samples.ts";

/** The houses of the data set in the random order of its split: the held-out ones come first. */
export interface ShuffledHouses {
  /** Columns of the matrix. */
  readonly features: number;
  /** Houses × features, row-major. */
  readonly matrix: Float32Array;
  /** Median values of the held-out houses, in 100,000 USD. */
  readonly heldOutTargets: Float64Array;
}

export function shuffleHouses(dataset: Dataset): ShuffledHouses {
  const { columns, targets } = inputSamples(dataset);
  const { train, test } = splitDataset(dataset);
  const rows = [...test, ...train];
  return {
    features: columns.length,
    matrix: Float32Array.from(rows.flatMap((row) => columns.map((column) => column[row] ?? 0))),
    heldOutTargets: Float64Array.from(test, (row) => targets[row] ?? 0),
  };
}
