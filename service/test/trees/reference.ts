import "../../src/model/no-telemetry.ts";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import { compileTrees } from "../../src/trees/compile-trees.ts";
import { readOnnxGraph } from "../../src/trees/onnx-file.ts";
import { loadTrees, type PredictTrees } from "../../src/trees/run-trees.ts";
import {
  readTreeModel,
  type TreeModel,
  type TreeModelOptions,
} from "../../src/trees/tree-model.ts";

/** @throws {Error} with the reason why the model is not compiled */
export function compiled(onnx: Uint8Array, options?: TreeModelOptions): PredictTrees {
  const trees = compileTrees(onnx, options);
  if ("reason" in trees) throw new Error(trees.reason);
  return loadTrees(trees);
}

/** Creates a tensor from the cells of an input's columns. */
type MakeTensor = (cells: Float32Array, shape: readonly number[]) => Tensor;

/** Creates the tensors of inputs that are not float32. */
type Makers = Readonly<Record<string, MakeTensor>>;

const makeFloats: MakeTensor = (cells, shape) => new Tensor("float32", cells, shape);

/** Creates a tensor of integers. */
export const makeIntegers: MakeTensor = (cells, shape) =>
  new Tensor("int64", BigInt64Array.from(cells, BigInt), shape);

/** Creates a tensor of booleans. */
export const makeBooleans: MakeTensor = (cells, shape) =>
  new Tensor("bool", Uint8Array.from(cells), shape);

/** Creates a tensor of strings from their indices. */
export function makeStrings(categories: readonly string[]): MakeTensor {
  return (cells, shape) =>
    new Tensor(
      "string",
      Array.from(cells, (cell) => categories[cell] ?? ""),
      shape,
    );
}

/**
 * Returns the predictions of ONNX Runtime on one thread.
 *
 * @param make creates the tensors of inputs that are not float32, by the name of the input
 */
async function predictByOnnxRuntime(
  onnx: Uint8Array,
  { inputs, output }: TreeModel,
  matrix: Float32Array,
  make: Makers = {},
): Promise<Float32Array> {
  const session = await InferenceSession.create(onnx, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
  });
  const width = inputs.reduce((total, { columns }) => total + columns, 0);
  const rows = matrix.length / width;
  const feeds: Record<string, Tensor> = {};
  let first = 0;
  for (const { name, columns } of inputs) {
    const start = first;
    const cells = Float32Array.from(
      { length: rows * columns },
      (_, cell) => matrix[Math.floor(cell / columns) * width + start + (cell % columns)] ?? 0,
    );
    feeds[name] = (make[name] ?? makeFloats)(cells, [rows, columns]);
    first += columns;
  }
  const data = (await session.run(feeds, [output]))[output]?.data;
  await session.release();
  if (!(data instanceof Float32Array)) throw new Error(`${output} is not of float32`);
  return data;
}

/** Expects the compiled model to predict the same bits as ONNX Runtime. */
export async function expectReferenceBits(
  onnx: Uint8Array,
  matrix: Float32Array,
  { make, ...options }: TreeModelOptions & { readonly make?: Makers } = {},
): Promise<void> {
  const predict = compiled(onnx, options);
  const model = readTreeModel(readOnnxGraph(onnx), options);
  const expected = await predictByOnnxRuntime(onnx, model, matrix, make);
  expect(bitsOf(predict(matrix))).toEqual(bitsOf(expected));
}

/** Returns the bits of numbers. All NaN have the same bits. */
function bitsOf(numbers: Float32Array): Int32Array {
  return new Int32Array(numbers.map((number) => (Number.isNaN(number) ? NaN : number)).buffer);
}
