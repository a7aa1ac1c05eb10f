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
