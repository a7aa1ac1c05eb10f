import { seed } from "./housing-samples.ts";
import type { GrowthRules } from "./tree-growth.ts";

/** Settings of the training algorithm. */
export interface Hyperparameters extends GrowthRules {
  /** The maximum number of trees. Early stopping may end with fewer. */
  readonly maxTrees: number;
  /** The maximum number of bins per feature. */
  readonly maxBins: number;
  /** The share of rows that each tree is trained on. */
  readonly rowFraction: number;
  /** The share of features that each tree may use. */
  readonly featureFraction: number;
  /** The share of training rows that early stopping uses for validation. */
  readonly validationFraction: number;
  /** Boosting stops after this many trees without a lower validation error. */
  readonly patience: number;
  /** The seed for sampling rows and features. */
  readonly seed: number;
}

/** Chosen by cross-validation on the training rows; see TUNING.md. */
export const chosenHyperparameters: Hyperparameters = {
  maxTrees: 160,
  leavesPerTree: 64,
  shrinkage: 0.1,
  minLeafRows: 10,
  l2: 3,
  minGain: 1e-6,
  maxBins: 255,
  rowFraction: 0.9,
  featureFraction: 0.25,
  validationFraction: 0.1,
  patience: 30,
  seed,
};
