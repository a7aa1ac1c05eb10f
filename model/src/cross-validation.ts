import { boost } from "./boosting.ts";
import { type Samples, selectRows } from "./columns.ts";
import type { Hyperparameters } from "./hyperparameters.ts";

/**
 * K-fold cross-validation: each fold is predicted by an ensemble that was fitted to the other
 * folds. There is no early stopping: every number of trees gets a score.
 *
 * @param samples rows in random order, since the folds are consecutive parts
 * @param folds number of folds, at least 2
 * @returns the mean R² over the folds after 1, 2, … `maxTrees` trees
 */
export function crossValidate(
  samples: Samples,
  hyperparameters: Hyperparameters,
  folds: number,
): readonly number[] {
  const rows = Int32Array.from(samples.targets.keys());
  const withoutStopping = { ...hyperparameters, patience: Number.POSITIVE_INFINITY };
  const r2ByTrees = new Array<number>(hyperparameters.maxTrees).fill(0);
  for (let fold = 0; fold < folds; fold++) {
    const start = Math.floor((rows.length * fold) / folds);
    const end = Math.floor((rows.length * (fold + 1)) / folds);
    const training = selectRows(
      samples,
      rows.filter((row) => row < start || row >= end),
    );
    const validation = selectRows(samples, rows.subarray(start, end));
    const variance = populationVariance(validation.targets);
    boost(training, validation, withoutStopping, ({ trees, validationRmse = Number.NaN }) => {
      const r2 = 1 - (validationRmse * validationRmse) / variance;
      r2ByTrees[trees - 1] = (r2ByTrees[trees - 1] ?? 0) + r2 / folds;
    });
  }
  return r2ByTrees;
}

function populationVariance(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
}
