import { featureBins, type Histogram, type Totals } from "./histogram.ts";

/** The requirements for a split. */
export interface SplitRules {
  /** The minimum number of rows on each side. */
  readonly minLeafRows: number;
  /** The L2 penalty on leaf values. */
  readonly l2: number;
  /** A split must gain more than this. */
  readonly minGain: number;
}

/** A way to split a leaf's rows: rows in `bin` or a lower bin go left. */
export interface CandidateSplit {
  /** The position of the feature among the tree's features. */
  readonly slot: number;
  readonly bin: number;
  /** How much the split lowers the penalized loss. */
  readonly gain: number;
  readonly left: Totals;
  readonly right: Totals;
}

/**
 * Finds the split of a leaf with the largest gain. Among equal gains, the first feature wins, then
 * the lowest bin.
 *
 * The gain is SL²/(NL + λ) + SR²/(NR + λ) − S²/(N + λ), where S is the sum of residuals and N the
 * number of rows, on the left, on the right and in total: T. Chen and C. Guestrin, "XGBoost"
 * (2016), equation 7, for the squared error.
 *
 * @param binCounts the number of bins of each feature
 * @returns undefined if no split satisfies the rules
 */
export function findBestSplit(
  histogram: Histogram,
  binCounts: readonly number[],
  totals: Totals,
  rules: SplitRules,
): CandidateSplit | undefined {
  const { minLeafRows, l2, minGain } = rules;
  const parentScore = score(totals.sum, totals.rows, l2);
  let best: CandidateSplit | undefined;
  let bestGain = minGain;
  for (const [slot, binCount] of binCounts.entries()) {
    const bins = featureBins(histogram, slot);
    let sum = 0;
    let rows = 0;
    for (let bin = 0; bin < binCount - 1; bin++) {
      sum += bins[2 * bin] ?? 0;
      rows += bins[2 * bin + 1] ?? 0;
      const rightRows = totals.rows - rows;
      if (rightRows < minLeafRows) break;
      if (rows < minLeafRows) continue;
      const rightSum = totals.sum - sum;
      const gain = score(sum, rows, l2) + score(rightSum, rightRows, l2) - parentScore;
      if (gain > bestGain) {
        bestGain = gain;
        const right = { sum: rightSum, rows: rightRows };
        best = { slot, bin, gain, left: { sum, rows }, right };
      }
    }
  }
  return best;
}

function score(sum: number, rows: number, l2: number): number {
  return (sum * sum) / (rows + l2);
}
