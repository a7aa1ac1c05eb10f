import "./no-telemetry.ts";
import { InferenceSession } from "onnxruntime-node";
import type { ModelCard } from "./card.ts";
import type { Engine } from "./engine.ts";
import { ModelError } from "./model-error.ts";
import { feedFor, inputsOf, outputFor, predictionsOf } from "./onnx-tensors.ts";

/** The log level of errors, without warnings. */
const errorSeverity = 3;

/**
 * Every run has a multiple of so many rows. ONNX Runtime computes a single row, and the last values
 * of a tensor, too few for a vector register, with other instructions than the rest, and the last bits
 * differ. With full registers only, a row's prediction does not depend on the rows around it.
 */
const rowsPerBlock = 16;

/** Fills up the last block by repeating the last row. */
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
 * Loads an ONNX file, to be run on one thread.
 *
 * @throws {ModelError} ONNX Runtime cannot load it
 */
export async function createSession(model: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      // Two threads would add up in another order, and change the last bits of a prediction.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: errorSeverity,
    });
  } catch (cause) {
    throw new ModelError(`it is no ONNX model that ONNX Runtime can load: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How many numbers a prediction has, by the shape of a run of one block. */
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

/**
 * Runs a model by ONNX Runtime, on one thread.
 *
 * @param model the ONNX file's bytes
 * @param example one row, to warm it up
 * @throws {ModelError} the model is not one for tables, or the card does not match it
 */
export async function createOnnxEngine(
  model: Uint8Array,
  card: ModelCard,
  example: Float32Array,
): Promise<Engine> {
  const session = await createSession(model);
  const feed = feedFor(inputsOf(session.inputMetadata), card.features);
  const output = outputFor(session.outputMetadata, card.target.output);
  const columns = card.features.length;

  async function run(matrix: Float32Array) {
    const blocks = fillBlocks(matrix, columns);
    const tensor = (await session.run(feed(blocks, blocks.length / columns), [output]))[output];
    if (tensor === undefined) throw new ModelError(`the model gave no output ${output}`);
    return { dims: tensor.dims, predictions: predictionsOf(output, tensor) };
  }

  async function runExample() {
    try {
      return await run(example);
    } catch (cause) {
      if (cause instanceof ModelError) throw cause;
      throw new ModelError(
        `ONNX Runtime cannot predict from the features' examples: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  const outputs = countOutputs(output, (await runExample()).dims);
  const names = card.target.outputs;
  if (names !== undefined && names.length !== outputs) {
    throw new ModelError(
      `target.outputs has ${names.length} names, and output ${output} has ${outputs} numbers for each row`,
    );
  }
  return {
    name: "onnxruntime",
    columns,
    outputs,
    isList: outputs > 1 || names !== undefined,
    async predict(matrix) {
      if (matrix.length === 0) return new Float32Array();
      const { predictions } = await run(matrix);
      return predictions.subarray(0, (matrix.length / columns) * outputs);
    },
  };
}
