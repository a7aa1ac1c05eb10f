import { MAX_BINS } from "./binning.ts";

const STRIDE = 2 * MAX_BINS;

/**
 * Sums of residuals and numbers of rows by bin, for the features that a tree may use: of each
 * feature {@link MAX_BINS} pairs (sum, rows).
 */
export type Histogram = Float64Array;

/** Residuals of some rows, summed, and the number of these rows. */
export type Totals = { readonly sum: number; readonly rows: number };

/**
 * Counts rows into the bins of each feature.
 *
 * @param codes - one array a feature: the bin of each row of the training data
 * @param rows - the rows to count
 * @param residuals - one a row of the training data
 */
export function buildHistogram(
  codes: readonly Uint8Array[],
  rows: Int32Array,
  residuals: Float64Array,
): Histogram {
  const histogram = new Float64Array(codes.length * STRIDE);
  for (const [slot, featureCodes] of codes.entries()) {
    const bins = featureBins(histogram, slot);
    for (const row of rows) {
      const cell = 2 * (featureCodes[row] ?? 0);
      bins[cell] = (bins[cell] ?? 0) + (residuals[row] ?? 0);
      bins[cell + 1] = (bins[cell + 1] ?? 0) + 1;
    }
  }
  return histogram;
}

/** Turns a parent's histogram into that of its other child, in place. */
export function subtractHistogram(parent: Histogram, child: Histogram): Histogram {
  for (let cell = 0; cell < parent.length; cell += 1) {
    parent[cell] = (parent[cell] ?? 0) - (child[cell] ?? 0);
  }
  return parent;
}

/** The pairs (sum, rows) of one feature, by its position among the tree's features. */
export function featureBins(histogram: Histogram, slot: number): Float64Array {
  return histogram.subarray(slot * STRIDE, (slot + 1) * STRIDE);
}
