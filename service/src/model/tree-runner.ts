import { inspect } from "node:util";
import { compileInThread } from "../trees/compile-thread.ts";
import { loadTrees, type PredictTrees } from "../trees/run-trees.ts";
import type { ModelCard } from "./card.ts";
import { type Difference, findDifference } from "./check-runner.ts";
import type { Runner } from "./engine.ts";
import { ModelError } from "./model-error.ts";
import type { OnnxRunner } from "./onnx-runner.ts";

/** The model is not compiled to WebAssembly, so ONNX Runtime has to run it. */
export class NotCompiledError extends ModelError {}

/** The compiled model predicts different bits than ONNX Runtime. */
export class DifferenceError extends NotCompiledError {
  constructor({ row, expected, found }: Difference) {
    // Unlike JSON, this shows -0, NaN and infinities.
    const show = (value: unknown) =>
      inspect(value, { breakLength: Infinity, maxArrayLength: null });
    super(
      `WebAssembly predicts ${show(found)}, and ONNX Runtime ${show(expected)}, from ${show(row)}`,
    );
  }
}

/** A model's file and card. */
export interface TreeModelFile {
  readonly path: string;
  /** The SHA-256 of the file, in hex. */
  readonly version: string;
  readonly card: ModelCard;
}

/** Returns how the matrix maps to the graph of a model. */
export function treeOptionsOf({ features }: ModelCard, { inputs, output }: OnnxRunner) {
  const categories = new Map(
    features.flatMap((feature, index) =>
      feature.type === "category" ? [[inputs[index] ?? "", feature.categories] as const] : [],
    ),
  );
  return { inputs, output, categories };
}

/**
 * Compiles a model in a thread.
 *
 * @throws {NotCompiledError} with the reason why this model is not compiled
 */
async function compile(
  { path, version, card }: TreeModelFile,
  onnx: OnnxRunner,
): Promise<PredictTrees> {
  const options = treeOptionsOf(card, onnx);
  const trees = await compileInThread({ path, version, options });
  if ("reason" in trees) throw new NotCompiledError(trees.reason);
  if (trees.columns !== onnx.columns || trees.outputs.length !== onnx.outputs) {
    const found = `${trees.outputs.length} numbers from ${trees.columns} features`;
    throw new NotCompiledError(`its trees predict ${found}`);
  }
  try {
    return loadTrees(trees);
  } catch (cause) {
    const isTooLarge = cause instanceof RangeError || cause instanceof WebAssembly.CompileError;
    if (isTooLarge) throw new NotCompiledError(cause.message, { cause });
    throw cause;
  }
}

/** With the committed model, such a run takes about a tenth of a millisecond. */
const maxRunRows = 256;

function treeRunner(predict: PredictTrees, { columns, outputs, isList }: OnnxRunner): Runner {
  return {
    name: "wasm",
    columns,
    outputs,
    isList,
    maxRunRows,
    run: predict,
    runNow: predict,
    release: async () => {},
  };
}

/**
 * Compiles a model's trees to WebAssembly, and checks that they predict the bits of ONNX Runtime.
 *
 * @throws {NotCompiledError} with the reason why this model is not compiled
 * @throws {DifferenceError} with the first row for which a bit differs
 */
export async function createTreeRunner(file: TreeModelFile, onnx: OnnxRunner): Promise<Runner> {
  const runner = treeRunner(await compile(file, onnx), onnx);
  const difference = await findDifference(onnx, runner, file.card.features);
  if (difference) throw new DifferenceError(difference);
  return runner;
}
