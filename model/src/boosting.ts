import { binFeatures } from "./binning.ts";
import { type Columns, type Samples, selectRows } from "./columns.ts";
import { type Ensemble, type TreeNode, treeValue } from "./ensemble.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { Mt19937 } from "./mt19937.ts";
import { sampleIndices } from "./sampling.ts";
import { growTree } from "./tree-growth.ts";

/** The progress of boosting after one more tree. */
export interface BoostingStep {
  readonly trees: number;
  readonly maxTrees: number;
  /** Root mean squared error on the training rows, in the target's unit. */
  readonly trainingRmse: number;
  /** The same error on the validation rows; undefined if there are none. */
  readonly validationRmse: number | undefined;
}

/** Called after each tree. */
export type BoostingObserver = (step: BoostingStep) => void;

/**
 * Fits an ensemble to the training samples by gradient boosting with the squared error:
 *
 * 1. start with the mean of the targets;
 * 2. grow a tree that predicts the residuals, from random rows and features;
 * 3. subtract its predictions from the residuals, and repeat from step 2.
 *
 * With validation samples, boosting stops early after `patience` trees without a lower validation
 * error, and the trees after the best one are dropped.
 *
 * Source: J. Friedman, "Greedy Function Approximation" (2001) and "Stochastic Gradient Boosting"
 * (2002).
 *
 * @throws {Error} if a training feature is infinite or not a number
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
 * Finds the number of trees with the lowest validation error. The last `validationFraction` of the
 * samples are used for validation and the rest for training.
 *
 * @param samples rows in random order
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
