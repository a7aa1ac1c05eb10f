import { z } from "zod";
import { readOnnxGraph } from "./onnx-file.ts";
import { blockRows } from "./stored-columns.ts";
import { readTreeModel, type TreeInput, type TreeModelOptions } from "./tree-model.ts";
import { type TreeModule, writeTreeModule } from "./tree-module.ts";
import { Unsupported } from "./unsupported.ts";

/** A model made of trees, compiled to WebAssembly. */
export interface CompiledTrees {
  /** Inputs of the graph, in the order of their columns in the matrix. */
  readonly inputs: readonly TreeInput[];
  /** The output of the graph that is predicted. */
  readonly output: string;
  /** Numbers that are predicted for each row. */
  readonly outputs: number;
  /**
   * Predicts rows, to the last bit as ONNX Runtime does with one thread. A row's prediction doesn't
   * depend on the other rows.
   *
   * @param matrix rows × columns of all inputs, row by row; integers and booleans as numbers,
   *   strings as their index among the categories
   * @returns rows × outputs, row by row
   * @throws {RangeError} when the matrix ends in the middle of a row
   */
  predict(matrix: Float32Array): Float32Array;
}

/** Why a model is not compiled. ONNX Runtime may be able to run it. */
export interface NotCompiled {
  readonly reason: string;
}

const Exports = z.object({
  memory: z.instanceof(WebAssembly.Memory),
  few: z.custom<(rows: number) => void>((value) => typeof value === "function"),
  many: z.custom<(rows: number) => void>((value) => typeof value === "function"),
});

/** Number of rows from which 16 at once are faster than row by row. */
const manyRows = 5;

/**
 * Compiles a model if trees compute its output, alone or together with operators that work column by
 * column.
 *
 * @param onnx an ONNX file
 */
export function compileTrees(
  onnx: Uint8Array,
  options: TreeModelOptions = {},
): CompiledTrees | NotCompiled {
  try {
    const { inputs, output, columns } = readTreeModel(readOnnxGraph(onnx), options);
    const width = inputs.reduce((total, input) => total + input.columns, 0);
    const predict = instantiate(writeTreeModule(columns), width);
    return { inputs, output, outputs: columns.length, predict };
  } catch (error) {
    const isTooMuch = error instanceof RangeError || error instanceof WebAssembly.CompileError;
    if (error instanceof Unsupported || isTooMuch) return { reason: error.message };
    throw error;
  }
}

function instantiate(module: TreeModule, width: number): CompiledTrees["predict"] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes));
  const { memory, few, many } = Exports.parse(exports);
  const floats = new Float32Array(memory.buffer);
  const inputs = module.inputs.map(({ index, address }) => ({ index, start: address / 4 }));
  const outputs = module.outputs.map((address) => address / 4);

  function predictBlock(
    matrix: Float32Array,
    predictions: Float32Array,
    first: number,
    rows: number,
  ) {
    for (const { index, start } of inputs) {
      for (let row = 0; row < rows; row += 1) {
        floats[start + row] = matrix[(first + row) * width + index] ?? 0;
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
    const rows = matrix.length / width;
    if (!Number.isInteger(rows)) {
      throw new RangeError(`${matrix.length} numbers are no rows of ${width} columns`);
    }
    const predictions = new Float32Array(rows * outputs.length);
    for (let first = 0; first < rows; first += blockRows) {
      predictBlock(matrix, predictions, first, Math.min(blockRows, rows - first));
    }
    return predictions;
  };
}
