import { Mt19937 } from "./mt19937.ts";
import { permutation } from "./sampling.ts";

/** The row numbers, from 0, of the two parts of a data set, in the order of the permutation. */
export interface Split {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/**
 * Splits rows exactly like scikit-learn's `train_test_split(test_size=…, random_state=…)`: the
 * first ⌈rowCount × testFraction⌉ entries of NumPy's seeded permutation are held out, and the rest
 * are for training.
 *
 * @param testFraction the share of rows to hold out, between 0 and 1
 */
export function trainTestSplit(rowCount: number, testFraction: number, seed: number): Split {
  const order = permutation(rowCount, new Mt19937(seed));
  const testRows = Math.ceil(rowCount * testFraction);
  return { train: order.subarray(testRows), test: order.subarray(0, testRows) };
}
