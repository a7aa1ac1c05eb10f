import { type Ensemble, treeNodes } from "./ensemble.ts";

const probabilities = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** The distribution of a feature's values. */
export interface FeatureRange {
  readonly minimum: number;
  readonly maximum: number;
  /** Keyed by probability, from "0.01" to "0.99". */
  readonly quantiles: Readonly<Record<string, number>>;
}

/** Computes the range and the quantiles of at least one value. */
export function describeRange(values: Float64Array): FeatureRange {
  const sorted = values.toSorted();
  return {
    minimum: quantile(sorted, 0),
    maximum: quantile(sorted, 1),
    quantiles: Object.fromEntries(
      probabilities.map((probability) => [String(probability), quantile(sorted, probability)]),
    ),
  };
}

/** A histogram of a feature's values. */
export interface FeatureBins {
  /** Upper edges, ascending. A value equal to an edge belongs to the lower bin. */
  readonly edges: readonly number[];
  /** The share of the values in each bin, from 0 to 1. */
  readonly shares: readonly number[];
}

const maxBins = 10;

/**
 * Divides at least one value into ten bins of about the same share, or into fewer if many values
 * are equal. Each edge is one of the values, rounded to float32 as the model sees them. The last bin
 * has no edge.
 */
export function describeBins(values: Float64Array): FeatureBins {
  const sorted = Float32Array.from(values).sort();
  const last = sorted.at(-1);
  const deciles = Array.from(
    { length: maxBins - 1 },
    (_, bin) => sorted[Math.ceil(((bin + 1) * sorted.length) / maxBins) - 1] ?? Number.NaN,
  );
  const edges = Array.from(new Set(deciles)).filter((edge) => edge !== last);
  const counts = Array<number>(edges.length + 1).fill(0);
  for (const value of sorted) {
    const edge = edges.findIndex((each) => value <= each);
    const bin = edge === -1 ? edges.length : edge;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges, shares: counts.map((count) => count / sorted.length) };
}

/** Interpolates linearly between the two nearest values, as NumPy does by default. */
function quantile(sorted: Float64Array, probability: number): number {
  const position = probability * (sorted.length - 1);
  const index = Math.floor(position);
  const lower = sorted[index] ?? Number.NaN;
  const upper = sorted[index + 1] ?? lower;
  return lower + (upper - lower) * (position - index);
}

/**
 * Computes each input's share of the gain of all splits. The gain of a split on a derived feature
 * is divided equally among the inputs it is computed from.
 *
 * @param sources for each tree feature, the inputs it is computed from
 * @param inputs number of inputs
 * @returns one share per input; they sum to 1, or are all 0 if no tree has a split
 */
export function inputImportance(
  ensemble: Ensemble,
  sources: readonly (readonly number[])[],
  inputs: number,
): readonly number[] {
  const gains = new Float64Array(inputs);
  for (const node of ensemble.trees.flatMap(treeNodes)) {
    if (node.kind === "branch") {
      const shared = sources[node.feature] ?? [];
      for (const input of shared) gains[input] = (gains[input] ?? 0) + node.gain / shared.length;
    }
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return Array.from(gains, (gain) => (total > 0 ? gain / total : 0));
}
