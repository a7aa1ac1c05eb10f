import { boost } from "./boosting.ts";
import type { Columns, Samples } from "./columns.ts";
import { crossValidate } from "./cross-validation.ts";
import { treeFeatures } from "./derived-features.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { measureInferenceCost } from "./inference-cost.ts";

/** The number of folds for cross-validation. */
export const foldCount = 5;

/** The maximum number of leaves per ensemble in the grid. */
const maxLeaves = 12_800;

const treeCounts = [40, 60, 80, 100, 120, 160, 200, 300];
const leafCounts = [31, 64, 100, 160];
const shrinkages = [0.07, 0.1, 0.14];

/** A common size, with which the cost and quality of the others are compared. */
const reference = { maxTrees: 600, leavesPerTree: 31, shrinkage: 0.05 };

const alternatives: readonly Partial<Hyperparameters>[] = [
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

/** The quality and cost of an ensemble of one size. */
export interface SizeTrial {
  readonly trees: number;
  readonly leavesPerTree: number;
  readonly shrinkage: number;
  /** The mean over the folds. */
  readonly r2: number;
  readonly microsecondsPerHouse: number;
}

/** A change to the hyperparameters or features, and the resulting mean R² over the folds. */
export interface Trial {
  readonly change: string;
  readonly r2: number;
}

/** Called before each trial, with a description of it. */
export type TuningObserver = (trial: string) => void;

/**
 * Cross-validates and times the reference size, then many sizes of up to {@link maxLeaves} leaves.
 *
 * @param samples the training rows
 * @param input the same rows as the model's input
 */
export async function tuneSize(
  samples: Samples,
  input: Columns,
  base: Hyperparameters,
  observe: TuningObserver,
): Promise<readonly SizeTrial[]> {
  const grid = leafCounts.flatMap((leavesPerTree) =>
    shrinkages.map((shrinkage) => ({
      maxTrees: Math.max(...treeCounts.filter((trees) => trees * leavesPerTree <= maxLeaves)),
      leavesPerTree,
      shrinkage,
    })),
  );
  const trials: SizeTrial[] = [];
  for (const size of [reference, ...grid]) {
    observe(`${size.maxTrees} trees of ${size.leavesPerTree}, shrinkage ${size.shrinkage}`);
    const hyperparameters = { ...base, ...size };
    const r2ByTrees = crossValidate(samples, hyperparameters, foldCount);
    const { baseScore, trees } = boost(samples, undefined, hyperparameters, () => {});
    const counts = size === reference ? [reference.maxTrees] : treeCounts;
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

/** Cross-validates the hyperparameters unchanged, then with one change at a time. */
export function tuneOthers(
  samples: Samples,
  base: Hyperparameters,
  observe: TuningObserver,
): readonly Trial[] {
  return alternatives.map((alternative) => {
    const [[name, value] = ["no change", ""]] = Object.entries(alternative);
    const change = `${name} ${value}`.trim();
    observe(change);
    return { change, r2: finalR2(samples, { ...base, ...alternative }) };
  });
}

/** Cross-validates without each group of derived features. */
export function ablateFeatures(
  samples: Samples,
  base: Hyperparameters,
  observe: TuningObserver,
): readonly Trial[] {
  return (["axis", "ratio"] as const).map((group) => {
    const change = `without ${group} features`;
    observe(change);
    const columns = samples.columns.filter((_, column) => treeFeatures[column]?.group !== group);
    return { change, r2: finalR2({ columns, targets: samples.targets }, base) };
  });
}

function finalR2(samples: Samples, hyperparameters: Hyperparameters): number {
  return crossValidate(samples, hyperparameters, foldCount).at(-1) ?? Number.NaN;
}
