import fc from "fast-check";
import type { Columns } from "../src/columns.ts";
import type { Dataset } from "../src/dataset.ts";
import { houseFeatures } from "../src/house-features.ts";
import { Mt19937 } from "../src/mt19937.ts";

/** A data set of random houses whose value increases with income and toward the north-west. */
export function madeUpDataset(rows: number, seed = 1): Dataset {
  const generator = new Mt19937(seed);
  const random = (low: number, high: number) =>
    Float64Array.from({ length: rows }, () => {
      return low + ((high - low) * generator.nextUint32()) / 2 ** 32;
    });
  const income = random(0.5, 15);
  const latitude = random(32.5, 42);
  const longitude = random(-124.4, -114.3);
  return {
    identity: { name: "made up", sha256: "0".repeat(64), rows },
    features: [
      income,
      random(1, 52),
      random(1, 10),
      random(0.5, 2),
      random(3, 3000),
      random(1, 6),
      latitude,
      longitude,
    ],
    targets: income.map((value, row) => {
      return value / 5 + ((latitude[row] ?? 0) - (longitude[row] ?? 0)) / 100;
    }),
  };
}

const extreme = fc.constantFrom(0, -0, 1e39, -1e39, 3e38, -3e38, 1e-45, -1, 1);
const usual = fc.double({ min: -200, max: 200, noNaN: true });
const anything = fc.double({ noNaN: true, noDefaultInfinity: true });

/**
 * Lists of houses with any finite numbers: common ones, zeros, negatives, and too large for
 * float32.
 */
export const anyHouses: fc.Arbitrary<Columns> = fc
  .array(
    fc.array(fc.oneof(usual, extreme, anything), {
      minLength: houseFeatures.length,
      maxLength: houseFeatures.length,
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((houses) =>
    houseFeatures.map((_, column) => Float32Array.from(houses, (house) => house[column] ?? 0)),
  );

/** Returns the rows from `start` to `end`, exclusive. */
export function sliceRows(columns: Columns, start: number, end: number): Columns {
  return columns.map((column) => column.slice(start, end));
}
