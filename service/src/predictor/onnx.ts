import "./no-telemetry.ts";
import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { z } from "zod";
import { ModelCard } from "./model-card.ts";
import type { Predictor } from "./predictor.ts";

/** The model can't be served: a file is absent, malformed, or does not belong to the other. */
export class ModelError extends Error {}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ModelError(`cannot read ${path}`, { cause });
  }
}

async function readCard(path: string): Promise<ModelCard> {
  const text = (await read(path)).toString();
  try {
    return ModelCard.parse(JSON.parse(text));
  } catch (cause) {
    const fault = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new ModelError(`${path} is no model card: ${fault}`, { cause });
  }
}

async function createSession(path: string, model: Buffer): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      // Two threads would add up in another order and change the last bits of an answer.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
    });
  } catch (cause) {
    throw new ModelError(`${path} is no ONNX model: ${String(cause)}`, { cause });
  }
}

/**
 * Loads an ONNX model with its card (the same path, ending in `.json`) and warms it up.
 *
 * @param featureNames the columns that the service will feed, in order
 * @throws {ModelError} naming the file and what is wrong with it
 */
export async function loadOnnxPredictor(
  modelPath: string,
  featureNames: readonly string[],
): Promise<Predictor> {
  const cardPath = modelPath.replace(/\.onnx$/, ".json");
  // One after the other: if both are wrong, the same one is reported every time.
  const model = await read(modelPath);
  const card = await readCard(cardPath);

  const digest = hash("sha256", model);
  if (digest !== card.version) {
    throw new ModelError(`${cardPath} is of another model: ${modelPath} has SHA-256 ${digest}`);
  }
  const columns = card.features.map(({ name }) => name);
  if (columns.join() !== featureNames.join()) {
    throw new ModelError(`${cardPath} has features ${columns}; the service has ${featureNames}`);
  }

  const session = await createSession(modelPath, model);
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  if (input === undefined || output === undefined) {
    throw new ModelError(`${modelPath} has no input or no output`);
  }

  const predict = async (matrix: Float32Array): Promise<Float32Array> => {
    const rows = matrix.length / columns.length;
    if (rows === 0) return new Float32Array();
    const feeds = { [input]: new Tensor("float32", matrix, [rows, columns.length]) };
    const data = (await session.run(feeds))[output]?.data;
    if (!(data instanceof Float32Array) || data.length !== rows) {
      throw new ModelError(`${modelPath} does not answer one float32 a row`);
    }
    return data;
  };

  await predict(new Float32Array(columns.length).fill(1));
  return { modelVersion: card.version, predict };
}
