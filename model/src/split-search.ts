import { featureBins, type Histogram, type Totals } from "./histogram.ts";

/** What a split must satisfy. */
export type SplitRules = {
  /** Fewest rows on either side. */
  readonly minLeafRows: number;
  /** L2 penalty on leaf values. */
  readonly l2: number;
  /** The gain that a split must exceed. */
  readonly minGain: number;
};

/** Where to part a leaf's rows: those in `bin` or below go left. */
export type CandidateSplit = {
  /** Position among the tree's features. */
  readonly slot: number;
  readonly bin: number;
  /** By how much the split lowers the penalized loss. */
  readonly gain: number;
  readonly left: Totals;
  readonly right: Totals;
};

/**
 * The split of a leaf with the largest gain; of equal ones the first by feature, then by bin.
 *
 * The gain is SL²/(NL + λ) + SR²/(NR + λ) − S²/(N + λ), with S the sums of residuals and N the
 * numbers of rows: T. Chen and C. Guestrin, "XGBoost" (2016), equation 7, for the squared error.
 *
 * @param binCounts - number of bins of each feature
 * @returns undefined where no split satisfies the rules
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
    for (let bin = 0; bin < binCount - 1; bin += 1) {
      sum += bins[2 * bin] ?? 0;
      rows += bins[2 * bin + 1] ?? 0;
      const rightRows = totals.rows - rows;
      if (rightRows < minLeafRows) {
        break;
      }
      if (rows < minLeafRows) {
        continue;
      }
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
