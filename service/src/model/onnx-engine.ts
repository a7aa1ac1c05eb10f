import "./no-telemetry.ts";
import { InferenceSession } from "onnxruntime-node";
import type { ModelCard } from "./card.ts";
import type { Engine } from "./engine.ts";
import { ModelError } from "./model-error.ts";
import { feedFor, outputFor, predictionsOf } from "./onnx-tensors.ts";

async function createSession(model: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      // Two threads would add up in another order, and change the last bits of a prediction.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
    });
  } catch (cause) {
    throw new ModelError(`it is no ONNX model: ${String(cause)}`, { cause });
  }
}

/** The shape of one prediction, by a run of two rows. */
function shapeOf(dims: readonly number[], name: string, { target }: ModelCard) {
  const outputs = dims[1] ?? 1;
  const isList = outputs !== 1;
  if (dims[0] !== 2 || dims.length > 2 || outputs === 0) {
    throw new ModelError(
      `output ${name} has shape [${dims}] for two rows; it must be [2], [2, 1] or [2, C]`,
    );
  }
  const names = target.outputs;
  if (names !== undefined && names.length !== outputs) {
    throw new ModelError(
      `target.outputs names ${names.length} numbers, and output ${name} has ${outputs} for each row`,
    );
  }
  return { outputs, isList };
}

/**
 * Runs a model by ONNX Runtime, on one thread.
 *
 * @param model the ONNX file's bytes
 * @param examples two rows × features, to warm it up
 * @throws {ModelError} the model is not one for tables, or the card does not match it
 */
export async function createOnnxEngine(
  model: Uint8Array,
  card: ModelCard,
  examples: Float32Array,
): Promise<Engine> {
  const session = await createSession(model);
  const feed = feedFor(session.inputMetadata, card);
  const output = outputFor(session.outputMetadata, card);
  const columns = card.features.length;

  async function run(matrix: Float32Array) {
    const rows = matrix.length / columns;
    const tensor = (await session.run(feed(matrix, rows), [output]))[output];
    if (tensor === undefined) throw new ModelError(`there is no output ${output}`);
    return tensor;
  }

  const { outputs, isList } = shapeOf((await run(examples)).dims, output, card);
  return {
    name: "onnxruntime",
    columns,
    outputs,
    isList,
    predict: async (matrix) =>
      matrix.length === 0 ? new Float32Array() : predictionsOf(output, await run(matrix)),
  };
}
