import { SEED } from "./housing-samples.ts";
import type { GrowthRules } from "./tree-growth.ts";

/** What boosting depends on besides the data. */
export type Hyperparameters = GrowthRules & {
  /** Most trees; early stopping may end with fewer. */
  readonly maxTrees: number;
  /** Most bins a feature is sorted into. */
  readonly maxBins: number;
  /** Share of the rows that each tree sees. */
  readonly rowFraction: number;
  /** Share of the features that each tree may use. */
  readonly featureFraction: number;
  /** Share of the training rows that early stopping watches. */
  readonly validationFraction: number;
  /** Boosting stops after so many trees without a better validation error. */
  readonly patience: number;
  /** Seed of the row and feature sampling. */
  readonly seed: number;
};

/** Chosen by cross-validation on the training rows: see TUNING.md. */
export const HYPERPARAMETERS: Hyperparameters = {
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
  seed: SEED,
};
