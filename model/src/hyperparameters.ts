import type { BoostingRules } from "./boosting.ts";
import { seed } from "./housing-samples.ts";

/** Settings of the training algorithm. */
export interface Hyperparameters {
  /** Of each ensemble whose mean is the prediction. */
  readonly prediction: BoostingRules;
  /** Of the ensemble that predicts how large the error is. */
  readonly error: BoostingRules;
}

/** Chosen by cross-validation on the training rows; see TUNING.md. */
export const chosenHyperparameters: Hyperparameters = {
  prediction: {
    trees: 80,
    leavesPerTree: 96,
    maxDepth: 9,
    shrinkage: 0.13,
    minLeafRows: 10,
    l2: 3,
    minGain: 1e-6,
    maxBins: 255,
    rowFraction: 0.9,
    seed,
  },
  error: {
    trees: 60,
    leavesPerTree: 16,
    maxDepth: 9,
    shrinkage: 0.1,
    minLeafRows: 40,
    l2: 3,
    minGain: 1e-6,
    maxBins: 255,
    rowFraction: 0.9,
    seed,
  },
};
