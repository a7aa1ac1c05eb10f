import { z } from "zod";
import type { CompiledTrees } from "./compile-trees.ts";
import { blockRows } from "./stored-columns.ts";

/**
 * Predicts rows, with the same bits as ONNX Runtime on one thread. The prediction of a row does not
 * depend on other rows.
 *
 * @param matrix rows × columns of all inputs, row-major. Integers and booleans are numbers, and
 *   strings are their index in the list of categories
 * @returns rows × outputs, row-major
 * @throws {RangeError} if the matrix ends in the middle of a row
 */
export type PredictTrees = (matrix: Float32Array) => Float32Array<ArrayBuffer>;

const Exports = z.object({
  memory: z.instanceof(WebAssembly.Memory),
  few: z.custom<(rows: number) => void>((value) => typeof value === "function"),
  many: z.custom<(rows: number) => void>((value) => typeof value === "function"),
});

/** From this number of rows on, 16 rows at a time are faster than row by row. */
const manyRows = 5;

/**
 * Loads compiled trees.
 *
 * @throws {WebAssembly.CompileError} if a function is too large
 * @throws {RangeError} if there is not enough memory
 */
export function loadTrees(trees: CompiledTrees): PredictTrees {
  const { columns } = trees;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(trees.bytes));
  const { memory, few, many } = Exports.parse(exports);
  const floats = new Float32Array(memory.buffer);
  const inputs = trees.inputs.map(({ index, address }) => ({ index, start: address / 4 }));
  const outputs = trees.outputs.map((address) => address / 4);

  function predictBlock(
    matrix: Float32Array,
    predictions: Float32Array,
    first: number,
    rows: number,
  ) {
    for (const { index, start } of inputs) {
      for (let row = 0; row < rows; row += 1) {
        floats[start + row] = matrix[(first + row) * columns + index] ?? 0;
      }
    }
    (rows < manyRows ? few : many)(rows);
    for (const [index, start] of outputs.entries()) {
      for (let row = 0; row < rows; row += 1) {
        predictions[(first + row) * outputs.length + index] = floats[start + row] ?? 0;
      }
    }
  }

  return (matrix) => {
    const rows = matrix.length / columns;
    if (!Number.isInteger(rows)) {
      throw new RangeError(`${matrix.length} numbers are not whole rows of ${columns} columns`);
    }
    const predictions = new Float32Array(rows * outputs.length);
    for (let first = 0; first < rows; first += blockRows) {
      predictBlock(matrix, predictions, first, Math.min(blockRows, rows - first));
    }
    return predictions;
  };
}
