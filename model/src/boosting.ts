import { binFeatures } from "./binning.ts";
import { type Columns, type Samples, selectRows } from "./columns.ts";
import { type Ensemble, type TreeNode, treeValue } from "./ensemble.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { Mt19937 } from "./mt19937.ts";
import { sampleIndices } from "./sampling.ts";
import { growTree } from "./tree-growth.ts";

/** The state of boosting after a tree. */
export type BoostingStep = {
  readonly trees: number;
  readonly maxTrees: number;
  /** Root mean squared error on the training rows, in the target's unit. */
  readonly trainingRmse: number;
  /** The same on the rows that early stopping watches, where there are any. */
  readonly validationRmse: number | undefined;
};

/** Is told of each tree. */
export type BoostingObserver = (step: BoostingStep) => void;

/**
 * Fits an ensemble to the training samples by gradient boosting with the squared error:
 *
 * 1. start from the targets' mean;
 * 2. grow a tree on the residuals, on random rows and features;
 * 3. take its predictions from the residuals; again from 2.
 *
 * With validation samples, it ends early after `patience` trees that do not lower their error, and
 * the trees after the best are dropped.
 *
 * Source: J. Friedman, "Greedy Function Approximation" (2001) and "Stochastic Gradient Boosting"
 * (2002).
 *
 * @throws Error when a training feature is infinite or not a number
 */
export function boost(
  training: Samples,
  validation: Samples | undefined,
  hyperparameters: Hyperparameters,
  observe: BoostingObserver,
): Ensemble {
  const { maxTrees, maxBins, rowFraction, featureFraction, patience, seed } = hyperparameters;
  const generator = new Mt19937(seed);
  const binned = binFeatures(training.columns, maxBins);
  const baseScore = Math.fround(mean(training.targets));
  const residuals = training.targets.map((target) => target - baseScore);
  const validationResiduals = validation?.targets.map((target) => target - baseScore);
  const trees: TreeNode[] = [];
  let best = { trees: 0, rmse: Number.POSITIVE_INFINITY };

  while (trees.length < maxTrees && trees.length - best.trees < patience) {
    const sample = {
      rows: sampleIndices(residuals.length, rowFraction, generator),
      features: sampleIndices(training.columns.length, featureFraction, generator),
      residuals,
    };
    const tree = growTree(binned, sample, hyperparameters);
    trees.push(tree);
    subtractPredictions(residuals, tree, training.columns);
    const trainingRmse = rootMeanSquare(residuals);
    let validationRmse: number | undefined;
    if (validation !== undefined && validationResiduals !== undefined) {
      subtractPredictions(validationResiduals, tree, validation.columns);
      validationRmse = rootMeanSquare(validationResiduals);
    }
    if (validationRmse === undefined || validationRmse < best.rmse) {
      best = { trees: trees.length, rmse: validationRmse ?? trainingRmse };
    }
    observe({ trees: trees.length, maxTrees, trainingRmse, validationRmse });
  }
  return { baseScore, trees: trees.slice(0, best.trees) };
}

/**
 * The number of trees at which boosting on the first samples predicts the last
 * `validationFraction` of them best.
 *
 * @param samples - in random order
 */
export function findTreeCount(
  samples: Samples,
  hyperparameters: Hyperparameters,
  observe: BoostingObserver,
): number {
  const rows = Int32Array.from(samples.targets.keys());
  const kept = Math.floor(rows.length * (1 - hyperparameters.validationFraction));
  const training = selectRows(samples, rows.subarray(0, kept));
  const validation = selectRows(samples, rows.subarray(kept));
  return boost(training, validation, hyperparameters, observe).trees.length;
}

function subtractPredictions(residuals: Float64Array, tree: TreeNode, columns: Columns): void {
  for (const [row, residual] of residuals.entries()) {
    residuals[row] = residual - treeValue(tree, columns, row);
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
