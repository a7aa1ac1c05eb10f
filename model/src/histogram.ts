import { binLimit } from "./binning.ts";

const stride = 2 * binLimit;

/**
 * For each feature that a tree may use, {@link binLimit} pairs, one per bin: the sum of the
 * residuals and the number of rows.
 */
export type Histogram = Float64Array;

/** The sum of some rows' residuals, and the number of rows. */
export interface Totals {
  readonly sum: number;
  readonly rows: number;
}

/**
 * Adds up the rows in each bin of each feature.
 *
 * @param codes one array per feature, with the bin of each training row
 * @param rows the rows to count
 * @param residuals one residual per training row
 */
export function buildHistogram(
  codes: readonly Uint8Array[],
  rows: Int32Array,
  residuals: Float64Array,
): Histogram {
  const histogram = new Float64Array(codes.length * stride);
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

/** Turns the histogram of a parent into that of its other child, in place. */
export function subtractHistogram(parent: Histogram, child: Histogram): Histogram {
  for (let cell = 0; cell < parent.length; cell++) {
    parent[cell] = (parent[cell] ?? 0) - (child[cell] ?? 0);
  }
  return parent;
}

/** Returns the pairs (sum, rows) of one feature, given its position among the tree's features. */
export function featureBins(histogram: Histogram, slot: number): Float64Array {
  return histogram.subarray(slot * stride, (slot + 1) * stride);
}
