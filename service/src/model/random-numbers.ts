/** Returns a generator of random numbers from 0 to 1. They are always the same for a seed. */
export function randomNumbers(seed = 1): () => number {
  let state = seed;
  return () => {
    // The linear congruential generator of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
