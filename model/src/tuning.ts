import type { BoostingRules, FeatureSet } from "./boosting.ts";
import { boost } from "./boosting.ts";
import type { Columns, Samples } from "./columns.ts";
import { foldsOf } from "./cross-validation.ts";
import { featureSets } from "./derived-features.ts";
import { averageEnsembles, type Ensemble, treeValue } from "./ensemble.ts";
import { runFeatureProgram } from "./feature-program.ts";
import { type TreeSamples, treeSamples } from "./house-model.ts";
import { measureInferenceCost } from "./inference-cost.ts";
import { computeMetrics } from "./metrics.ts";

/** The number of folds for cross-validation. */
export const foldCount = 5;

/** The numbers of trees in each of the two ensembles. */
const treeCounts = [60, 80, 100, 120];
const shapes = [
  { leavesPerTree: 64, shrinkage: 0.1 },
  { leavesPerTree: 64, shrinkage: 0.13 },
  { leavesPerTree: 96, shrinkage: 0.13 },
  { leavesPerTree: 128, shrinkage: 0.13 },
];

const alternatives: readonly Partial<BoostingRules>[] = [
  {},
  { minLeafRows: 20 },
  { maxDepth: 7 },
  { maxDepth: 20 },
  { l2: 10 },
  { rowFraction: 0.7 },
];

const setAlternatives: Readonly<Record<string, readonly FeatureSet[]>> = {
  "only the axes": [featureSets.axes],
  "only the neighbourhoods": [featureSets.neighbourhoods],
  "one ensemble with all columns": [
    {
      columns: [...new Set(Object.values(featureSets).flatMap(({ columns }) => columns))],
      fraction: 0.25,
    },
  ],
  "40 % of the neighbourhoods' columns per tree": [
    featureSets.axes,
    { ...featureSets.neighbourhoods, fraction: 0.4 },
  ],
};

/** The quality and cost of ensembles of one size. */
export interface SizeTrial {
  /** In each ensemble. */
  readonly trees: number;
  readonly leavesPerTree: number;
  readonly shrinkage: number;
  /** The mean over the folds. */
  readonly r2: number;
  readonly microsecondsPerHouse: number;
}

/** A change to the rules or features, and the resulting mean R² over the folds. */
export interface Trial {
  readonly change: string;
  readonly r2: number;
}

/** Called before each trial, with a description of it. */
export type TuningObserver = (trial: string) => void;

/** A fold whose rows are predicted by models that are fitted to the other rows. */
export interface TuningFold {
  readonly training: TreeSamples;
  readonly columns: Columns;
  readonly targets: Float64Array;
}

/** Computes the tree features of each fold. The neighbours of a row are never in its own fold. */
export function tuningFolds(samples: Samples): readonly TuningFold[] {
  return foldsOf(samples, foldCount).map(({ part, others }) => {
    const training = treeSamples(others);
    const columns = runFeatureProgram(training.program, part.columns);
    return { training, columns, targets: part.targets };
  });
}

/**
 * Cross-validates the mean of several ensembles.
 *
 * @returns the mean R² over the folds after 1, 2, … trees in each ensemble
 */
export function crossValidate(
  folds: readonly TuningFold[],
  sets: readonly FeatureSet[],
  rules: BoostingRules,
): readonly number[] {
  const r2ByTrees = new Array<number>(rules.trees).fill(0);
  for (const { training, columns, targets } of folds) {
    const ensemble = averageEnsembles(sets.map((set) => boost(training, set, rules, () => {})));
    const predictions = new Float64Array(targets.length).fill(ensemble.baseScore);
    for (const count of r2ByTrees.keys()) {
      for (const set of sets.keys()) {
        const tree = ensemble.trees[set * rules.trees + count];
        if (tree === undefined) throw new Error(`tree ${count} is missing`);
        for (const [row, sum] of predictions.entries()) {
          predictions[row] = sum + treeValue(tree, columns, row);
        }
      }
      const { r2 } = computeMetrics(targets, predictions);
      r2ByTrees[count] = (r2ByTrees[count] ?? 0) + r2 / folds.length;
    }
  }
  return r2ByTrees;
}

/**
 * Cross-validates and times ensembles of several sizes.
 *
 * @param samples the training rows, with the model's input
 */
export function tuneSize(
  samples: Samples,
  folds: readonly TuningFold[],
  base: BoostingRules,
  observe: TuningObserver,
): readonly SizeTrial[] {
  const sets = Object.values(featureSets);
  const training = treeSamples(samples);
  return shapes.flatMap((shape) => {
    observe(`${shape.leavesPerTree} leaves, shrinkage ${shape.shrinkage}`);
    const rules = { ...base, ...shape, trees: Math.max(...treeCounts) };
    const r2ByTrees = crossValidate(folds, sets, rules);
    const ensembles = sets.map((set) => boost(training, set, rules, () => {}));
    return treeCounts.map((trees) => {
      const first = (ensemble: Ensemble) => ({
        ...ensemble,
        trees: ensemble.trees.slice(0, trees),
      });
      const ensemble = averageEnsembles(ensembles.map(first));
      return {
        trees,
        ...shape,
        r2: r2ByTrees[trees - 1] ?? Number.NaN,
        microsecondsPerHouse: measureInferenceCost(
          { program: training.program, ensemble },
          samples.columns,
        ),
      };
    });
  });
}

/** Cross-validates the rules unchanged, then with one change at a time. */
export function tuneOthers(
  folds: readonly TuningFold[],
  base: BoostingRules,
  observe: TuningObserver,
): readonly Trial[] {
  return alternatives.map((alternative) => {
    const [[name, value] = ["no change", ""]] = Object.entries(alternative);
    const change = `${name} ${value}`.trim();
    observe(change);
    const rules = { ...base, ...alternative };
    return { change, r2: crossValidate(folds, Object.values(featureSets), rules).at(-1) ?? NaN };
  });
}

/** Cross-validates other feature sets. */
export function tuneFeatureSets(
  folds: readonly TuningFold[],
  base: BoostingRules,
  observe: TuningObserver,
): readonly Trial[] {
  return Object.entries(setAlternatives).map(([change, sets]) => {
    observe(change);
    return { change, r2: crossValidate(folds, sets, base).at(-1) ?? NaN };
  });
}
