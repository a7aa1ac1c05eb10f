import { featureNames, lowerBounds } from "./house.ts";

/** A number as float32, zero without a sign: every model holds both zeros for the same. */
export function unsigned(value: number): number {
  return Math.fround(value) + 0;
}

/** Writes one house into its row; false, and nothing promised about the row, where it declines. */
type RowWriter = (house: unknown, matrix: Float32Array, offset: number) => boolean;

/**
 * Compiles the House schema into a check of plain numbers that writes the row as it goes. It takes
 * only what zod would take without coercing; whatever it declines, zod judges.
 */
function compileRowWriter(): RowWriter {
  const checks = featureNames.map((name, column) => {
    const key = JSON.stringify(name);
    return `
    const v${column} = house[${key}];
    if (typeof v${column} !== "number" || !isFinite(v${column})) return false;
    if (!(v${column} > ${lowerBounds[column]})) return false;
    matrix[offset + ${column}] = unsigned(v${column});`;
  });
  const body = `
    if (typeof house !== "object" || house === null) return false;
    let keys = 0;
    for (const key in house) keys++;
    if (keys !== ${featureNames.length}) return false;
    ${checks.join("")}
    return true;`;
  return new Function("unsigned", `return (house, matrix, offset) => {${body}}`)(unsigned);
}

const writeRow = compileRowWriter();

/**
 * The trusted fast path from parsed JSON to the model's input. Zeros come without a sign.
 *
 * @param houses what `JSON.parse` made of each house
 * @returns rows × 8, row-major float32; `undefined` where any house is not eight plain finite
 *   numbers within bounds, which is for {@link readHouses} to judge
 */
export function toMatrix(houses: readonly unknown[]): Float32Array<ArrayBuffer> | undefined {
  const columns = featureNames.length;
  const matrix = new Float32Array(houses.length * columns);
  let offset = 0;
  for (const house of houses) {
    if (!writeRow(house, matrix, offset)) return undefined;
    offset += columns;
  }
  return matrix;
}
