import type { Columns } from "./columns.ts";

/** Most bins a feature can have: a bin's number fits a byte. */
export const MAX_BINS = 255;

/** Features by bins: what histograms are made of. */
export type BinnedFeatures = {
  /** One array a feature: the bin of each row. */
  readonly codes: readonly Uint8Array[];
  /**
   * One array a feature, ascending: a value is in bin `b` or below exactly if it is at most
   * `thresholds[b]`.
   */
  readonly thresholds: Columns;
};

/**
 * Sorts each feature's values into bins of about equal numbers of rows.
 *
 * @param maxBins - most bins a feature may have, from 2 to {@link MAX_BINS}
 * @throws Error when a value is infinite or not a number
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
 * Thresholds between bins of about equal numbers of rows, ascending, each between two neighbouring
 * values of the column; between all of them where there are no more than `maxBins`.
 *
 * @throws Error when a value is infinite or not a number
 */
export function quantileThresholds(column: Float32Array, maxBins: number): Float32Array {
  if (!column.every(Number.isFinite)) {
    throw new Error("a feature to bin has a value that is not finite");
  }
  const sorted = column.toSorted();
  const distinct = new Set(sorted).size;
  const rowsPerBin = distinct <= maxBins ? 0 : sorted.length / maxBins;
  const thresholds: number[] = [];
  let previous = sorted[0] ?? 0;
  for (const [rowsBelow, value] of sorted.entries()) {
    if (value > previous && rowsBelow >= (thresholds.length + 1) * rowsPerBin) {
      thresholds.push(thresholdBetween(previous, value));
    }
    previous = value;
  }
  return Float32Array.from(thresholds);
}

/**
 * A float32 threshold `t` with `lower <= t < upper`: the middle, or `lower` where float32 has
 * nothing in between.
 *
 * @param lower - a float32 value below `upper`, also one
 */
export function thresholdBetween(lower: number, upper: number): number {
  const middle = Math.fround((lower + upper) / 2);
  return middle < upper ? middle : lower;
}

/** The first bin whose threshold is not below the value; the last bin has none. */
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
