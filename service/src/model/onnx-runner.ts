import "./no-telemetry.ts";
import { InferenceSession } from "onnxruntime-node";
import { intervalOutput, type Signature } from "../tensors/signature.ts";
import { readOnnxGraph } from "../trees/onnx-file.ts";
import { Unsupported } from "../trees/unsupported.ts";
import type { ModelCard } from "./card.ts";
import type { Runner } from "./engine.ts";
import { ModelError } from "./model-error.ts";
import { feedFor, inputOrder, inputsOf, outputFor, predictionsOf } from "./onnx-tensors.ts";
import { selectOutput } from "./select-output.ts";
import { signatureOf } from "./signature-of.ts";

/** ONNX Runtime's level for errors. Warnings are not logged. */
const errorSeverity = 3;

/**
 * Rows per block. For some operators, ONNX Runtime uses different instructions for a single row,
 * and for the values at the end of a tensor that do not fill a vector register. Then the last bits
 * of the results differ. In runs of full blocks, a row's prediction does not depend on other rows.
 */
const rowsPerBlock = 16;

/** Rows in the trial run. They do not fill the last block. */
const trialRows = 61;

/** Returns rows like the example, but with varying numbers. */
function trialMatrix(example: Float32Array, { features }: ModelCard): Float32Array {
  const matrix = new Float32Array(trialRows * features.length);
  for (let row = 0; row < trialRows; row++) {
    for (const [column, { type }] of features.entries()) {
      const factor = type === "number" ? 1 + Math.sin(row + column) / 2 : 1;
      matrix[row * features.length + column] = (example[column] ?? 0) * factor;
    }
  }
  return matrix;
}

/** Repeats the last row until the last block is full. */
function fillBlocks(matrix: Float32Array, columns: number): Float32Array {
  const block = rowsPerBlock * columns;
  if (matrix.length % block === 0) return matrix;
  const filled = new Float32Array(Math.ceil(matrix.length / block) * block);
  filled.set(matrix);
  const lastRow = matrix.subarray(-columns);
  for (let at = matrix.length; at < filled.length; at += columns) filled.set(lastRow, at);
  return filled;
}

/**
 * Loads an ONNX file, which will run on one thread.
 *
 * @throws {ModelError} if ONNX Runtime cannot load it
 */
export async function createSession(model: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      // Two threads would add numbers in a different order and change the last bits of predictions.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: errorSeverity,
    });
  } catch (cause) {
    throw new ModelError(`ONNX Runtime cannot load it: ${messageOf(cause)}`, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns how many numbers a prediction has, based on the output's shape for one block. */
function countOutputs(name: string, dims: readonly number[]): number {
  const [rows, outputs = 1] = dims;
  if (rows !== rowsPerBlock || dims.length > 2 || outputs === 0) {
    const n = rowsPerBlock;
    throw new ModelError(
      `output ${name} has shape [${dims.join(", ")}] for ${n} rows; it must be [${n}], [${n}, 1] or [${n}, C]`,
    );
  }
  return outputs;
}

/** ONNX Runtime with a loaded model. */
export interface OnnxRunner extends Runner {
  /** The names of the model's inputs, in the order of the matrix. */
  readonly inputs: readonly string[];
  /** The name of the model's output. */
  readonly output: string;
  /** Whether it is the first output of the file. */
  readonly isFirstOutput: boolean;
  /** Predicts how large the errors of the predictions are, if the card has intervals. */
  readonly errors?: OnnxRunner;
  readonly signature: Signature;
}

/**
 * Loads a model into ONNX Runtime, which runs it on one thread.
 *
 * @param model the bytes of the ONNX file
 * @param example one valid row, for a first run
 * @throws {ModelError} if the model does not take a table, or the card does not match it
 */
export async function createOnnxRunner(
  model: Uint8Array,
  card: ModelCard,
  example: Float32Array,
): Promise<OnnxRunner> {
  const { interval, target } = card;
  if (interval === undefined) return createRunner(model, card, example);
  const outputs = outputNames(model);
  const served = target.output ?? outputs.at(-1) ?? "";
  if (served === intervalOutput) {
    throw new ModelError(
      `interval: the model's output must not be named ${served}, since this is the name of the output with the intervals`,
    );
  }
  // Each output has its own session, so a prediction does not compute the error.
  const runnerFor = (output: string, ofCard: ModelCard) =>
    createRunner(outputs.includes(output) ? selectOutput(model, output) : model, ofCard, example);
  const predictor = await runnerFor(served, card);
  try {
    const errorTarget = { output: interval.output };
    const errors = await runnerFor(interval.output, { ...card, target: errorTarget });
    if (predictor.outputs !== 1 || errors.outputs !== 1) {
      await errors.release();
      const found = `${predictor.output} has ${predictor.outputs} and ${errors.output} ${errors.outputs}`;
      throw new ModelError(`interval: both outputs must have one number for each row; ${found}`);
    }
    return { ...predictor, isFirstOutput: served === outputs[0], errors };
  } catch (error) {
    await predictor.release();
    throw error;
  }
}

/** Returns the names of a file's outputs. Without any, ONNX Runtime will say what is wrong. */
function outputNames(model: Uint8Array): readonly string[] {
  try {
    return readOnnxGraph(model).outputs;
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return [];
  }
}

async function createRunner(
  model: Uint8Array,
  card: ModelCard,
  example: Float32Array,
): Promise<OnnxRunner> {
  const session = await createSession(model);
  try {
    return await createSessionRunner(session, card, example);
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function createSessionRunner(
  session: InferenceSession,
  card: ModelCard,
  example: Float32Array,
): Promise<OnnxRunner> {
  const inputs = inputsOf(session.inputMetadata);
  const feed = feedFor(inputs, card.features);
  const { name: output, type } = outputFor(session.outputMetadata, card.target.output);
  const columns = card.features.length;

  async function run(matrix: Float32Array, inBlocks: boolean) {
    const blocks = inBlocks ? fillBlocks(matrix, columns) : matrix;
    const tensor = (await session.run(feed(blocks, blocks.length / columns), [output]))[output];
    if (tensor === undefined) throw new ModelError(`the model returned no output ${output}`);
    return { dims: tensor.dims, predictions: predictionsOf(output, tensor) };
  }

  async function runExample() {
    try {
      return await run(example, true);
    } catch (cause) {
      if (cause instanceof ModelError) throw cause;
      throw new ModelError(
        `ONNX Runtime cannot predict from the features' examples: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  const { dims } = await runExample();
  const outputs = countOutputs(output, dims);
  const names = card.target.outputs;
  if (names !== undefined && names.length !== outputs) {
    throw new ModelError(
      `target.outputs has ${names.length} names, and output ${output} has ${outputs} numbers for each row`,
    );
  }

  /** Returns whether a row's prediction depends on other rows, so that only full blocks may run. */
  async function dependsOnBatch(): Promise<boolean> {
    const matrix = trialMatrix(example, card);
    const { predictions } = await run(matrix, false);
    for (let row = 0; row < trialRows; row++) {
      const alone = await run(matrix.slice(row * columns, (row + 1) * columns), false);
      const together = predictions.subarray(row * outputs, (row + 1) * outputs);
      if (!alone.predictions.every((value, index) => Object.is(value, together[index]))) {
        return true;
      }
    }
    return false;
  }
  const needsBlocks = await dependsOnBatch();

  return {
    name: "onnxruntime",
    inputs: inputOrder(inputs, card.features),
    output,
    isFirstOutput: output === session.outputNames[0],
    signature: signatureOf(inputs, card.features, { name: output, type, dims }),
    // With the committed model, such a run takes about half a millisecond.
    maxRunRows: 128,
    columns,
    outputs,
    isList: outputs > 1 || names !== undefined,
    async run(matrix) {
      const { predictions } = await run(matrix, needsBlocks);
      return predictions.subarray(0, (matrix.length / columns) * outputs);
    },
    release: () => session.release(),
  };
}
