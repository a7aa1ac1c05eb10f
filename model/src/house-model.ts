import { type BoostingObserver, type BoostingRules, boost } from "./boosting.ts";
import type { Columns, Samples } from "./columns.ts";
import { derivedFeatures, featureSets, neighbourFeatures } from "./derived-features.ts";
import { averageEnsembles, type Ensemble, predictEnsemble } from "./ensemble.ts";
import { type FeatureProgram, runFeatureProgram } from "./feature-program.ts";
import { fitNeighbourhoods } from "./neighbourhoods.ts";

/**
 * Rows with the features that trees can split on, and the function that computes these features.
 */
export interface TreeSamples extends Samples {
  /** Computes the features from the model's input. */
  readonly program: FeatureProgram;
}

/** A model that predicts from the eight house features. */
export interface HouseModel {
  readonly program: FeatureProgram;
  readonly ensemble: Ensemble;
}

/**
 * Computes the tree features of training rows. The features that describe a row's neighbours do not
 * depend on the row itself.
 */
export function treeSamples(training: Samples): TreeSamples {
  const { table, ofRows } = fitNeighbourhoods(training, neighbourFeatures);
  const program = derivedFeatures(table);
  const computed = runFeatureProgram(program, training.columns);
  const columns = [...computed.slice(0, computed.length - ofRows.length), ...ofRows];
  return { program, columns, targets: training.targets };
}

/** Fits an ensemble for each set of features. The model predicts their mean. */
export function fitHouseModel(
  samples: TreeSamples,
  rules: BoostingRules,
  observe: BoostingObserver,
): HouseModel {
  const ensembles = Object.values(featureSets).map((set) => boost(samples, set, rules, observe));
  return { program: samples.program, ensemble: averageEnsembles(ensembles) };
}

/** Predicts rows of the model's input. */
export function predictHouses({ program, ensemble }: HouseModel, input: Columns): Float32Array {
  return predictEnsemble(ensemble, runFeatureProgram(program, input));
}
