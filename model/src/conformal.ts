import { type BoostingObserver, boost } from "./boosting.ts";
import type { Samples } from "./columns.ts";
import { foldsOf } from "./cross-validation.ts";
import { featureSets } from "./derived-features.ts";
import { type Ensemble, predictEnsemble } from "./ensemble.ts";
import { runFeatureProgram } from "./feature-program.ts";
import { fitHouseModel, predictHouses, type TreeSamples, treeSamples } from "./house-model.ts";
import type { Hyperparameters } from "./hyperparameters.ts";

/** The number of folds. Each needs a model of its own. */
export const conformalFolds = 5;

/** The share of predicted errors that count as larger than they are. */
const flooredShare = 0.01;

const levels = Array.from({ length: 50 }, (_, index) => (index + 50) / 100);

/** How wide the interval of a prediction must be. */
export interface IntervalFit {
  /** Predicts the absolute error of a prediction. */
  readonly ensemble: Ensemble;
  /** Smaller predicted errors count as this one. */
  readonly minimumError: number;
  /**
   * Keyed by level, from "0.5" to "0.99": that share of the absolute errors is at most this many
   * times the predicted error.
   */
  readonly factors: Readonly<Record<string, number>>;
}

/**
 * Fits prediction intervals: split conformal prediction, normalized by an ensemble that predicts
 * the absolute error, and cross-fitted. No row is held back from the model: the error of each
 * training row is that of a model that was fitted without the row's fold, and it is compared with
 * the error that an ensemble without the fold predicts.
 *
 * Sources: J. Lei et al., "Distribution-Free Predictive Inference for Regression" (2018), section
 * 5.2; H. Papadopoulos et al., "Normalized Nonconformity Measures for Regression Conformal
 * Prediction" (2008); V. Vovk, "Cross-Conformal Predictors" (2015).
 *
 * @param training rows in random order, with the model's input
 * @param samples the same rows with the tree features
 */
export function fitIntervals(
  training: Samples,
  samples: TreeSamples,
  { prediction, error }: Hyperparameters,
  observe: BoostingObserver,
): IntervalFit {
  const errors = new Float64Array(training.targets.length);
  const folds = foldsOf(training, conformalFolds).map((fold) => {
    const others = treeSamples(fold.others);
    const predicted = predictHouses(fitHouseModel(others, prediction, observe), fold.part.columns);
    for (const [index, row] of fold.rows.entries()) {
      errors[row] = Math.abs((fold.part.targets[index] ?? 0) - (predicted[index] ?? 0));
    }
    return { ...fold, others };
  });
  const fit = ({ columns }: Samples, targets: Float64Array) =>
    boost({ columns, targets }, featureSets.neighbourhoods, error, observe);

  const predictedErrors = new Float64Array(errors.length);
  for (const { rows, part, others } of folds) {
    const [first = 0] = rows;
    const ofOthers = errors.filter((_, row) => row < first || row >= first + rows.length);
    const columns = runFeatureProgram(others.program, part.columns);
    predictedErrors.set(predictEnsemble(fit(others, ofOthers), columns), first);
  }
  const minimumError = smallest(predictedErrors.toSorted(), flooredShare);
  const scores = errors
    .map((each, row) => each / Math.max(minimumError, predictedErrors[row] ?? 0))
    .sort();
  return {
    ensemble: fit(samples, errors),
    minimumError,
    factors: Object.fromEntries(levels.map((level) => [String(level), smallest(scores, level)])),
  };
}

/** Returns the k-th smallest of n values, where k is the share of n + 1, rounded up. */
function smallest(sorted: Float64Array, share: number): number {
  const rank = Math.min(sorted.length, Math.ceil((sorted.length + 1) * share));
  return sorted[rank - 1] ?? Number.NaN;
}
