import { setImmediate as nextTurn } from "node:timers/promises";
import type { CardFeature } from "./card.ts";
import { type Axis, CheckRows } from "./check-rows.ts";
import type { Predictions, Runner } from "./engine.ts";

/** A row for which two runners predict different bits. */
export interface Difference {
  /** What the matrix has, by the names of the features. */
  readonly row: Readonly<Record<string, number>>;
  readonly expected: readonly number[];
  readonly found: readonly number[];
}

/** The number of rows of each kind. */
const totalRows = 1024;

/** How many rows of each kind are compared per step: fewer if they have many features. */
const rowsAtOnce = (features: number) => Math.max(32, Math.min(128, Math.floor(4096 / features)));

/**
 * Sizes of batches: runners may compute a few rows, and those that do not fill a vector, in other
 * ways.
 */
const batchSizes = [1, 2, 4, 5, 15, 16, 17, 64, 100, 128];

/** Whether two predictions are equal to the last bit. */
function isSame(one: Predictions, other: Predictions): boolean {
  return one.length === other.length && one.every((value, at) => Object.is(value, other[at]));
}

/**
 * Finds rows at which the prediction changes, in pairs that differ in one feature by one unit in
 * the last place. So one of them has exactly a threshold of a tree, or leads to it by arithmetic.
 *
 * @param rows where to begin
 * @param others other values for the same features
 * @param turn the first row is searched along the feature of this index, the next row along the next
 */
async function findBoundaries(
  runner: Runner,
  axes: readonly Axis[],
  rows: Float32Array,
  others: Float32Array,
  turn: number,
): Promise<readonly [low: Float32Array, high: Float32Array]> {
  const columns = axes.length;
  const low = rows.slice();
  const high = rows.slice();
  // Each row is searched along one feature, by bisection.
  const searches = Array.from({ length: rows.length / columns }, (_, row) => {
    const column = (turn + row) % columns;
    const scale = axes[column]?.scale;
    return scale && { row, cell: row * columns + column, ...scale };
  }).filter((search) => search !== undefined);
  for (const { cell } of searches) high[cell] = others[cell] ?? 0;
  const { outputs } = runner;
  const predictionAt = (predictions: Predictions, row: number) =>
    predictions.subarray(row * outputs, (row + 1) * outputs);
  const atLow = await runner.run(low);
  for (let isDone = false; !isDone; ) {
    isDone = true;
    const middle = low.slice();
    for (const { cell, ordinalOf, numberOf } of searches) {
      const from = ordinalOf(low[cell] ?? 0);
      const to = ordinalOf(high[cell] ?? 0);
      middle[cell] = numberOf(Math.floor((from + to) / 2));
      if (Math.abs(to - from) > 1) isDone = false;
    }
    const atMiddle = await runner.run(middle);
    for (const { row, cell } of searches) {
      const isBelow = isSame(predictionAt(atMiddle, row), predictionAt(atLow, row));
      (isBelow ? low : high)[cell] = middle[cell] ?? 0;
    }
    await nextTurn();
  }
  return [low, high];
}

/** Compares both runners on some rows, in batches and with each row alone. */
async function compare(
  reference: Runner,
  candidate: Runner,
  matrix: Float32Array,
  features: readonly CardFeature[],
): Promise<Difference | undefined> {
  const { columns, outputs } = reference;
  let first = 0;
  for (let turn = 0; first < matrix.length; turn++) {
    const size = batchSizes[turn % batchSizes.length] ?? 1;
    const batch = matrix.subarray(first, first + size * columns);
    const expected = await reference.run(batch);
    const together = await candidate.run(batch);
    for (let row = 0; row < batch.length / columns; row++) {
      const cells = batch.subarray(row * columns, (row + 1) * columns);
      const at = (all: Predictions) => all.subarray(row * outputs, (row + 1) * outputs);
      for (const found of [at(together), await candidate.run(cells)]) {
        if (isSame(found, at(expected))) continue;
        const values = features.map(({ name }, column) => [name, cells[column] ?? 0]);
        return {
          row: Object.fromEntries(values),
          expected: [...at(expected)],
          found: [...found],
        };
      }
    }
    first += batch.length;
  }
  return undefined;
}

/**
 * Compares a runner with another one that is known to be right: on random rows from the ranges of
 * the card, on rows with values at the ends of what is allowed, usual or representable, and on rows
 * at which the prediction changes. It takes many turns of the event loop, none of them long.
 *
 * @returns the first row for which a bit differs
 */
export async function findDifference(
  reference: Runner,
  candidate: Runner,
  features: readonly CardFeature[],
): Promise<Difference | undefined> {
  const rows = new CheckRows(features);
  const count = rowsAtOnce(features.length);
  for (let done = 0; done < totalRows; done += count) {
    const usual = rows.draw(count, 0);
    const edges = rows.draw(count, 0.5);
    const boundaries = await findBoundaries(candidate, rows.axes, usual, edges, done);
    const kinds = [usual, edges, ...boundaries];
    const matrix = new Float32Array(kinds.length * usual.length);
    for (const [index, kind] of kinds.entries()) matrix.set(kind, index * usual.length);
    const difference = await compare(reference, candidate, matrix, features);
    if (difference) return difference;
  }
  return undefined;
}
