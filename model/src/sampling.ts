import type { Mt19937 } from "./mt19937.ts";

/**
 * Returns a random permutation of 0 … count − 1, with the same swaps as NumPy's legacy
 * `RandomState.permutation` (Fisher-Yates, starting from the last element).
 */
export function permutation(count: number, generator: Mt19937): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = generator.nextInteger(last);
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/**
 * Returns a random subset of 0 … count − 1, in ascending order.
 *
 * @param fraction the share of elements to draw, above 0 and at most 1; at least one element is
 *   drawn
 */
export function sampleIndices(count: number, fraction: number, generator: Mt19937): Int32Array {
  const size = Math.max(1, Math.round(count * fraction));
  return permutation(count, generator).subarray(0, size).sort();
}
