import { setImmediate } from "node:timers/promises";
import type { Predictions } from "../model/engine.ts";

/** Writing this many numbers takes a fraction of a millisecond. */
export const numbersPerTurn = 2048;

/**
 * Writes rows in several turns of the event loop, so that other requests are not delayed.
 *
 * @param size the number of numbers in a row
 * @param writeRows returns JSON values, separated by commas
 */
export async function writeInTurns(
  rows: Predictions,
  size: number,
  writeRows: (rows: Predictions) => string,
): Promise<string> {
  const step = Math.ceil(numbersPerTurn / size) * size;
  let json = writeRows(rows.subarray(0, step));
  for (let from = step; from < rows.length; from += step) {
    await setImmediate();
    json += `,${writeRows(rows.subarray(from, from + step))}`;
  }
  return json;
}
