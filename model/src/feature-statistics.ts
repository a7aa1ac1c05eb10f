import { type Ensemble, treeNodes } from "./ensemble.ts";

const PROBABILITIES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** The spread of a feature's values. */
export type FeatureRange = {
  readonly minimum: number;
  readonly maximum: number;
  /** By probability, "0.01" to "0.99". */
  readonly quantiles: Readonly<Record<string, number>>;
};

/** Range and quantiles of values; there is at least one. */
export function describeRange(values: Float64Array): FeatureRange {
  const sorted = values.toSorted();
  return {
    minimum: quantile(sorted, 0),
    maximum: quantile(sorted, 1),
    quantiles: Object.fromEntries(
      PROBABILITIES.map((probability) => [String(probability), quantile(sorted, probability)]),
    ),
  };
}

/** Linear between the two nearest values, as NumPy's default. */
function quantile(sorted: Float64Array, probability: number): number {
  const position = probability * (sorted.length - 1);
  const index = Math.floor(position);
  const lower = sorted[index] ?? Number.NaN;
  const upper = sorted[index + 1] ?? lower;
  return lower + (upper - lower) * (position - index);
}

/**
 * Each input's share of the gain of all splits. The gain of a split on a derived feature goes in
 * equal parts to the inputs that it is computed from.
 *
 * @param sources - by tree feature, the inputs that it is computed from
 * @param inputs - number of inputs
 * @returns one share an input, summing to 1; all 0 for an ensemble without a split
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
      for (const input of shared) {
        gains[input] = (gains[input] ?? 0) + node.gain / shared.length;
      }
    }
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return Array.from(gains, (gain) => (total > 0 ? gain / total : 0));
}
