import { boost } from "./boosting.ts";
import type { Columns, Samples } from "./columns.ts";
import { crossValidate } from "./cross-validation.ts";
import { TREE_FEATURES } from "./derived-features.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { measureInferenceCost } from "./inference-cost.ts";

/** Number of folds of the cross-validation. */
export const FOLDS = 5;

/** Most leaves that an ensemble of the grid may have. */
const MAX_LEAVES = 12_800;

const TREE_COUNTS = [40, 60, 80, 100, 120, 160, 200, 300];
const LEAVES_PER_TREE = [31, 64, 100, 160];
const SHRINKAGES = [0.07, 0.1, 0.14];

/** A usual size, whose cost and quality the grid is compared with. */
const REFERENCE = { maxTrees: 600, leavesPerTree: 31, shrinkage: 0.05 };

const ALTERNATIVES: readonly Partial<Hyperparameters>[] = [
  {},
  { minLeafRows: 5 },
  { minLeafRows: 20 },
  { l2: 1 },
  { l2: 10 },
  { rowFraction: 0.7 },
  { rowFraction: 1 },
  { featureFraction: 0.2 },
  { featureFraction: 0.4 },
  { maxBins: 128 },
];

/** A size of ensemble: how good it is, and what it costs. */
export type SizeTrial = {
  readonly trees: number;
  readonly leavesPerTree: number;
  readonly shrinkage: number;
  /** Mean over the folds. */
  readonly r2: number;
  readonly microsecondsPerHouse: number;
};

/** A change to the hyper-parameters or features, and the R² with it, the mean over the folds. */
export type Trial = { readonly change: string; readonly r2: number };

/** Is told what will be tried next. */
export type TuningObserver = (trial: string) => void;

/**
 * Cross-validates and times ensembles of many sizes up to {@link MAX_LEAVES} leaves, and first the
 * reference.
 *
 * @param samples - the training rows
 * @param input - the same rows as the model's input
 */
export async function tuneSize(
  samples: Samples,
  input: Columns,
  base: Hyperparameters,
  observe: TuningObserver,
): Promise<readonly SizeTrial[]> {
  const grid = LEAVES_PER_TREE.flatMap((leavesPerTree) =>
    SHRINKAGES.map((shrinkage) => ({
      maxTrees: Math.max(...TREE_COUNTS.filter((trees) => trees * leavesPerTree <= MAX_LEAVES)),
      leavesPerTree,
      shrinkage,
    })),
  );
  const trials: SizeTrial[] = [];
  for (const size of [REFERENCE, ...grid]) {
    observe(`${size.maxTrees} trees of ${size.leavesPerTree}, shrinkage ${size.shrinkage}`);
    const hyperparameters = { ...base, ...size };
    const r2ByTrees = crossValidate(samples, hyperparameters, FOLDS);
    const { baseScore, trees } = boost(samples, undefined, hyperparameters, () => {});
    const counts = size === REFERENCE ? [REFERENCE.maxTrees] : TREE_COUNTS;
    for (const count of counts.filter((trees) => trees <= size.maxTrees)) {
      const ensemble = { baseScore, trees: trees.slice(0, count) };
      trials.push({
        trees: count,
        leavesPerTree: size.leavesPerTree,
        shrinkage: size.shrinkage,
        r2: r2ByTrees[count - 1] ?? Number.NaN,
        microsecondsPerHouse: await measureInferenceCost(ensemble, input),
      });
    }
  }
  return trials;
}

/** Cross-validates the hyper-parameters as they are, and with one change at a time. */
export function tuneOthers(
  samples: Samples,
  base: Hyperparameters,
  observe: TuningObserver,
): readonly Trial[] {
  return ALTERNATIVES.map((alternative) => {
    const [[name, value] = ["no change", ""]] = Object.entries(alternative);
    const change = `${name} ${value}`.trim();
    observe(change);
    return { change, r2: finalR2(samples, { ...base, ...alternative }) };
  });
}

/** Cross-validates without each of the groups of derived features. */
export function ablateFeatures(
  samples: Samples,
  base: Hyperparameters,
  observe: TuningObserver,
): readonly Trial[] {
  return (["axis", "ratio"] as const).map((group) => {
    const change = `without ${group} features`;
    observe(change);
    const columns = samples.columns.filter((_, column) => TREE_FEATURES[column]?.group !== group);
    return { change, r2: finalR2({ columns, targets: samples.targets }, base) };
  });
}

function finalR2(samples: Samples, hyperparameters: Hyperparameters): number {
  return crossValidate(samples, hyperparameters, FOLDS).at(-1) ?? Number.NaN;
}
