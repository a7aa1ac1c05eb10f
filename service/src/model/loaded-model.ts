import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type BodyReader, createBodyReader } from "../records/body-reader.ts";
import { createRecordReader } from "../records/reader.ts";
import { Refusal } from "../wire/refusal.ts";
import { batched, batching } from "./batcher.ts";
import { ModelCard } from "./card.ts";
import type { Engine } from "./engine.ts";
import { ModelError } from "./model-error.ts";
import { createOnnxEngine } from "./onnx-engine.ts";

/** A model that is ready to be served: all that requests need of it. */
export interface LoadedModel {
  readonly card: ModelCard;
  /** SHA-256 of the ONNX file: changes whenever the model does. */
  readonly version: string;
  readonly engine: Engine;
  readonly reader: BodyReader;
}

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
    throw new ModelError(`${path} is not a model card that can be served:\n${fault}`, { cause });
  }
}

/** The JSON of the card's example record. */
export function exampleRecord({ features }: ModelCard): string {
  const members = features.map(
    ({ name, example }) => `${JSON.stringify(name)}:${JSON.stringify(example)}`,
  );
  return `{${members.join(",")}}`;
}

/** @throws {ModelError} the example is not a valid record */
function readExample(card: ModelCard): Float32Array {
  try {
    return createRecordReader(card, 1).one(Buffer.from(exampleRecord(card)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ModelError(`its features' examples are not valid: ${Buffer.from(error.body)}`);
  }
}

/**
 * Loads an ONNX model with its card (the same path, ending in `.json`), and warms it up.
 *
 * @param maxRecords in a list
 * @throws {ModelError} naming the file and what is wrong with it
 */
export async function loadModel(modelPath: string, maxRecords: number): Promise<LoadedModel> {
  const cardPath = modelPath.replace(/\.onnx$/, ".json");
  const model = await read(modelPath);
  const card = await readCard(cardPath);
  const version = hash("sha256", model);
  if (version !== card.version) {
    throw new ModelError(`${cardPath} is of another model: ${modelPath} has SHA-256 ${version}`);
  }
  try {
    const example = readExample(card);
    const examples = Float32Array.of(...example, ...example);
    const engine = batched(await createOnnxEngine(model, card, examples), batching);
    return { card, version, engine, reader: createBodyReader(card, maxRecords) };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`${modelPath} cannot be served: ${error.message}`, { cause: error });
  }
}
