import { binFeatures } from "./binning.ts";
import type { Columns, Samples } from "./columns.ts";
import { type Ensemble, type TreeNode, treeValue } from "./ensemble.ts";
import { Mt19937 } from "./mt19937.ts";
import { sampleIndices } from "./sampling.ts";
import { type GrowthRules, growTree } from "./tree-growth.ts";

/** How an ensemble is fitted. */
export interface BoostingRules extends GrowthRules {
  readonly trees: number;
  /** The maximum number of bins per feature. */
  readonly maxBins: number;
  /** The share of rows that each tree is trained on. */
  readonly rowFraction: number;
  /** The seed for sampling rows and features. */
  readonly seed: number;
}

/** The columns that trees may split on. */
export interface FeatureSet {
  readonly columns: readonly number[];
  /** The share of these columns that each tree may use. */
  readonly fraction: number;
}

/** The progress of boosting after one more tree. */
export interface BoostingStep {
  readonly trees: number;
  readonly rules: BoostingRules;
  /** Root mean squared error on the training rows, in the target's unit. */
  readonly trainingRmse: number;
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
 * Source: J. Friedman, "Greedy Function Approximation" (2001) and "Stochastic Gradient Boosting"
 * (2002).
 *
 * @throws {Error} if a feature in the set is infinite or not a number
 */
export function boost(
  { columns, targets }: Samples,
  features: FeatureSet,
  rules: BoostingRules,
  observe: BoostingObserver,
): Ensemble {
  const { maxBins, rowFraction, seed } = rules;
  const generator = new Mt19937(seed);
  const used = columns.map((column, index) =>
    features.columns.includes(index) ? column : new Float32Array(),
  );
  const binned = binFeatures(used, maxBins);
  const baseScore = Math.fround(mean(targets));
  const residuals = targets.map((target) => target - baseScore);
  const trees: TreeNode[] = [];
  while (trees.length < rules.trees) {
    const sample = {
      rows: sampleIndices(residuals.length, rowFraction, generator),
      features: sampleIndices(features.columns.length, features.fraction, generator).map(
        (index) => features.columns[index] ?? 0,
      ),
      residuals,
    };
    const tree = growTree(binned, sample, rules);
    trees.push(tree);
    subtractPredictions(residuals, tree, columns);
    observe({ trees: trees.length, rules, trainingRmse: rootMeanSquare(residuals) });
  }
  return { baseScore, trees };
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
