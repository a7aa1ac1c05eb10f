import type { CardFeature } from "../model/card.ts";
import { randomNumbers } from "../model/random-numbers.ts";

/** Returns the value below which a share of the training rows lies, from 0 to 1. */
type ValueBelow = (share: number) => number;

/** Draws one of the values 0, 1, and so on. Each of them has a weight. */
function drawIndex(weights: readonly number[]): ValueBelow {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return (share) => {
    let rest = share * total;
    return Math.max(
      0,
      weights.findIndex((weight) => {
        rest -= weight;
        return rest < 0;
      }),
    );
  };
}

/** Interpolates linearly between quantiles. */
function interpolate(quantiles: readonly (readonly [share: number, value: number])[]): ValueBelow {
  return (share) => {
    const next = quantiles.findIndex(([end]) => share < end);
    const [highShare, high] = quantiles.at(next) ?? [1, 0];
    const [lowShare, low] = quantiles[Math.max(0, next - 1)] ?? [highShare, high];
    if (highShare === lowShare || next === -1) return high;
    return low + ((share - lowShare) / (highShare - lowShare)) * (high - low);
  };
}

function distributionOf(feature: CardFeature): ValueBelow {
  if (feature.type === "boolean" || feature.type === "category") {
    const values = feature.type === "category" ? feature.categories : ["false", "true"];
    const { shares } = feature;
    return drawIndex(values.map((value) => (shares === undefined ? 1 : (shares[value] ?? 0))));
  }
  const { type, minimum, maximum, quantiles = {}, example } = feature;
  const known = [
    [0, minimum] as const,
    ...Object.entries(quantiles).map(([share, value]) => [Number(share), value] as const),
    [1, maximum] as const,
  ];
  const points = known.flatMap(([share, value]) =>
    value === undefined ? [] : [[share, value] as const],
  );
  const below = interpolate(
    points.length === 0 ? [[0, example]] : points.sort(([one], [other]) => one - other),
  );
  return type === "integer" ? (share) => Math.round(below(share)) : below;
}

/**
 * Draws rows that are like the training rows as far as the card describes them: each feature has
 * its distribution, but features do not depend on each other. By default, the rows are always the
 * same.
 *
 * @returns rows × features, row-major
 */
export function drawTypicalRows(
  features: readonly CardFeature[],
  rows: number,
  random = randomNumbers(),
): Float32Array {
  const distributions = features.map(distributionOf);
  const matrix = new Float32Array(rows * features.length);
  for (let row = 0; row < rows; row++) {
    for (const [column, below] of distributions.entries()) {
      matrix[row * features.length + column] = below(random());
    }
  }
  return matrix;
}
