/**
 * Varies a time to live by ±10 %, so that entries stored together do not expire together.
 *
 * @param random returns a random number in [0, 1)
 * @returns milliseconds
 */
export function jitteredTtlMs(ttlSeconds: number, random = Math.random): number {
  return Math.round(ttlSeconds * 1000 * (0.9 + 0.2 * random()));
}
