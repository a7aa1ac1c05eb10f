import type { Columns } from "./columns.ts";

/** The maximum number of bins per feature, so that a bin number fits into one byte. */
export const binLimit = 255;

/**
 * The training rows with each feature value replaced by its bin, from which histograms are built.
 */
export interface BinnedFeatures {
  /** One array per feature, with the bin of each row. */
  readonly codes: readonly Uint8Array[];
  /**
   * One ascending array per feature. A value is in bin `b` or a lower one if and only if it is at
   * most `thresholds[b]`.
   */
  readonly thresholds: Columns;
}

/**
 * Divides each feature's values into bins with about the same number of rows.
 *
 * @param maxBins the maximum number of bins per feature, from 2 to {@link binLimit}
 * @throws {Error} if a value is infinite or not a number
 */
export function binFeatures(columns: Columns, maxBins: number): BinnedFeatures {
  const thresholds = columns.map((column) => quantileThresholds(column, maxBins));
  const codes = columns.map((column, feature) => {
    const edges = thresholds[feature] ?? new Float32Array();
    return Uint8Array.from(column, (value) => binOf(value, edges));
  });
  return { codes, thresholds };
}

/**
 * Finds ascending thresholds that divide a column into bins with about the same number of rows.
 * Each threshold lies between two neighbouring values. With at most `maxBins` distinct values,
 * every value gets its own bin.
 *
 * @throws {Error} if a value is infinite or not a number
 */
export function quantileThresholds(column: Float32Array, maxBins: number): Float32Array {
  if (!column.every(Number.isFinite)) {
    throw new Error("a feature has a value that is not finite");
  }
  const sorted = column.toSorted();
  const distinct = new Set(sorted).size;
  const rowsPerBin = distinct <= maxBins ? 0 : sorted.length / maxBins;
  const thresholds: number[] = [];
  let previous = sorted[0] ?? 0;
  for (let rowsBelow = 0; rowsBelow < sorted.length; rowsBelow++) {
    const value = sorted[rowsBelow] ?? 0;
    if (value > previous && rowsBelow >= (thresholds.length + 1) * rowsPerBin) {
      thresholds.push(thresholdBetween(previous, value));
    }
    previous = value;
  }
  return Float32Array.from(thresholds);
}

/**
 * Returns a float32 threshold `t` with `lower <= t < upper`: the midpoint, or `lower` if there is
 * no float32 value in between.
 *
 * @param lower a float32 value less than `upper`
 * @param upper a float32 value
 */
export function thresholdBetween(lower: number, upper: number): number {
  const middle = Math.fround((lower + upper) / 2);
  return middle < upper ? middle : lower;
}

/** Returns the first bin whose threshold is at least the value. The last bin has no threshold. */
function binOf(value: number, thresholds: Float32Array): number {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (thresholds[middle] ?? 0)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
