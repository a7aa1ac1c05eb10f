import type { BinnedFeatures } from "./binning.ts";
import type { TreeNode } from "./ensemble.ts";
import { buildHistogram, type Histogram, subtractHistogram, type Totals } from "./histogram.ts";
import { type CandidateSplit, findBestSplit, type SplitRules } from "./split-search.ts";

/** How a tree grows. */
export interface GrowthRules extends SplitRules {
  /** The maximum number of leaves. */
  readonly leavesPerTree: number;
  /** The maximum number of branches from the root to a leaf. */
  readonly maxDepth: number;
  /** Each leaf value is multiplied by this factor. */
  readonly shrinkage: number;
}

/** The data that a tree is fitted to. */
export interface GrowthSample {
  /** The training rows to use. */
  readonly rows: Int32Array;
  /** The features that the tree may use, in ascending order. */
  readonly features: Int32Array;
  /** One residual per training row: what is left to explain. */
  readonly residuals: Float64Array;
}

interface GrowingLeaf {
  /** The number of branches above it. */
  readonly depth: number;
  readonly rows: Int32Array;
  readonly totals: Totals;
  readonly histogram: Histogram;
  readonly split: CandidateSplit | undefined;
  children?: readonly [GrowingLeaf, GrowingLeaf];
}

/**
 * Grows a regression tree leaf by leaf. The leaf whose split gains most is split next; among equal
 * gains, the oldest leaf. Growth stops at `leavesPerTree` leaves, or when no split satisfies the
 * rules. Leaves at `maxDepth` are not split.
 *
 * Only the histogram of the smaller child is counted. Subtracting it from the parent's gives the
 * other child's. A leaf's value is the sum of its residuals / (rows + λ) × shrinkage.
 */
export function growTree(
  binned: BinnedFeatures,
  sample: GrowthSample,
  rules: GrowthRules,
): TreeNode {
  const features = [...sample.features];
  const codes = features.map((feature) => binned.codes[feature] ?? new Uint8Array());
  const thresholds = features.map((feature) => binned.thresholds[feature] ?? new Float32Array());
  const binCounts = thresholds.map(({ length }) => length + 1);

  const root = growLeaf(0, sample.rows, sumUp(sample), countBins(sample.rows));
  const leaves = [root];
  while (leaves.length < rules.leavesPerTree) {
    const leaf = mostPromising(leaves);
    if (leaf?.split === undefined) break;
    leaf.children = splitLeaf(leaf, leaf.split);
    leaves.splice(leaves.indexOf(leaf), 1);
    leaves.push(...leaf.children);
  }
  return finish(root);

  function countBins(rows: Int32Array): Histogram {
    return buildHistogram(codes, rows, sample.residuals);
  }

  function growLeaf(
    depth: number,
    rows: Int32Array,
    totals: Totals,
    histogram: Histogram,
  ): GrowingLeaf {
    const split =
      depth < rules.maxDepth ? findBestSplit(histogram, binCounts, totals, rules) : undefined;
    return { depth, rows, totals, histogram, split };
  }

  function splitLeaf(
    leaf: GrowingLeaf,
    { slot, bin, left, right }: CandidateSplit,
  ): readonly [GrowingLeaf, GrowingLeaf] {
    const [leftRows, rightRows] = partition(leaf.rows, codes[slot] ?? new Uint8Array(), bin);
    const leftIsSmaller = leftRows.length <= rightRows.length;
    const counted = countBins(leftIsSmaller ? leftRows : rightRows);
    const rest = subtractHistogram(leaf.histogram, counted);
    const depth = leaf.depth + 1;
    return [
      growLeaf(depth, leftRows, left, leftIsSmaller ? counted : rest),
      growLeaf(depth, rightRows, right, leftIsSmaller ? rest : counted),
    ];
  }

  function finish({ totals, split, children }: GrowingLeaf): TreeNode {
    if (split === undefined || children === undefined) {
      const value = Math.fround((rules.shrinkage * totals.sum) / (totals.rows + rules.l2));
      return { kind: "leaf", value };
    }
    return {
      kind: "branch",
      feature: features[split.slot] ?? 0,
      threshold: thresholds[split.slot]?.[split.bin] ?? 0,
      gain: split.gain,
      left: finish(children[0]),
      right: finish(children[1]),
    };
  }
}

function mostPromising(leaves: readonly GrowingLeaf[]): GrowingLeaf | undefined {
  let best: GrowingLeaf | undefined;
  for (const leaf of leaves) {
    if ((leaf.split?.gain ?? 0) > (best?.split?.gain ?? 0)) best = leaf;
  }
  return best;
}

function partition(rows: Int32Array, codes: Uint8Array, bin: number): [Int32Array, Int32Array] {
  const left = new Int32Array(rows.length);
  const right = new Int32Array(rows.length);
  let lefts = 0;
  let rights = 0;
  for (const row of rows) {
    if ((codes[row] ?? 0) <= bin) left[lefts++] = row;
    else right[rights++] = row;
  }
  return [left.slice(0, lefts), right.slice(0, rights)];
}

function sumUp({ rows, residuals }: GrowthSample): Totals {
  return { sum: rows.reduce((sum, row) => sum + (residuals[row] ?? 0), 0), rows: rows.length };
}
