import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { createExplainRunner } from "../explain/explain-runner.ts";
import { type BodyReader, createBodyReader } from "../records/body-reader.ts";
import { createRecordReader } from "../records/reader.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Signature } from "../tensors/signature.ts";
import { createTensorReader, type TensorReader } from "../tensors/tensor-reader.ts";
import { Refusal } from "../wire/refusal.ts";
import { batched } from "./batcher.ts";
import { describeFaults, ModelCard } from "./card.ts";
import type { Engine } from "./engine.ts";
import { createIntervals, type ModelIntervals } from "./interval.ts";
import { ModelError } from "./model-error.ts";
import { createOnnxRunner, type OnnxRunner } from "./onnx-runner.ts";
import { describeIntervals } from "./signature-of.ts";
import { TrainingRange } from "./training-range.ts";
import { createTreeRunner, treeOptionsOf } from "./tree-runner.ts";

/** How cache keys name a model. */
interface CacheVersions {
  /** In the keys of numbers: changes whenever the prediction for a row of the matrix changes. */
  readonly numbers: string;
  /** In the keys of bodies as sent: changes with the card, too, which says what is valid. */
  readonly bodies: string;
}

/** A model that is ready to serve requests. */
export interface LoadedModel {
  readonly card: ModelCard;
  /** The SHA-256 of the ONNX file, which changes whenever the model changes. */
  readonly version: string;
  readonly cacheVersions: CacheVersions;
  readonly engine: Engine;
  /** Absent if the card has no intervals. */
  readonly intervals?: ModelIntervals;
  /** Its results are explanations, as `createExplainRunner` describes them. */
  readonly explainer: Engine;
  readonly range: TrainingRange;
  /** The card's example record, as one row of the model's input. */
  readonly example: Float32Array;
  /** The model's tensors, for clients of the Open Inference Protocol. */
  readonly signature: Signature;
  readonly reader: BodyReader;
  readonly tensorReader: TensorReader;
  /** Frees the memory of the model, which must no longer be in use. */
  release(): Promise<void>;
}

/** A model that ONNX Runtime runs, until WebAssembly does. */
export interface CompilableModel extends LoadedModel {
  /**
   * Compiles the model to WebAssembly, checks that it predicts the same bits, and lets it predict
   * from then on. ONNX Runtime's memory is freed. Requests are served all the time.
   *
   * @throws {NotCompiledError} if ONNX Runtime has to continue, with the reason
   */
  compile(): Promise<void>;
}

async function read(path: string, advice = ""): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ModelError(`cannot read ${path}${advice}`, { cause });
  }
}

/** Returns the path of a model's card, which is next to the model. */
export function cardPathOf(modelPath: string): string {
  return modelPath.replace(/\.onnx$/, ".json");
}

function parseCard(path: string, text: string): ModelCard {
  const refuse = (faults: string, cause: unknown) =>
    new ModelError(`${path} is not a model card that can be served:\n${faults}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse(String(cause), cause);
  }
  const { data, error } = ModelCard.safeParse(json);
  if (error) throw refuse(describeFaults(error, json), error);
  return data;
}

/** Returns the card's example record as JSON. */
export function exampleRecord({ features }: ModelCard): string {
  const members = features.map(
    ({ name, example }) => `${JSON.stringify(name)}:${JSON.stringify(example)}`,
  );
  return `{${members.join(",")}}`;
}

/** The body of the response to an invalid record. */
const InvalidRecord = z.object({
  detail: z.array(z.object({ loc: z.tuple([z.literal("body"), z.string()]), msg: z.string() })),
});

/**
 * Returns the card's example record as one row of the model's input.
 *
 * @throws {ModelError} if the example is not a valid record
 */
function readExample(card: ModelCard): Float32Array {
  try {
    return createRecordReader(card, 1).one(Buffer.from(exampleRecord(card)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { detail } = InvalidRecord.parse(JSON.parse(Buffer.from(error.body).toString()));
    const faults = detail.map(
      ({ loc, msg }) => `the example of feature ${JSON.stringify(loc[1])} is not valid: ${msg}`,
    );
    throw new ModelError(faults.join("\n"), { cause: error });
  }
}

/**
 * Loads a model into ONNX Runtime, and checks that the model matches the card.
 *
 * @param model the bytes of the ONNX file
 * @throws {ModelError} with what is wrong with the model or the card
 */
export function createRunner(model: Uint8Array, card: ModelCard): Promise<OnnxRunner> {
  return createOnnxRunner(model, card, readExample(card));
}

/**
 * Returns how cache keys name a model. If one input takes all features and the card names no
 * numbers, predictions depend only on which output is served. Keys of the first output, such as
 * that of the committed model, don't have the card.
 */
function cacheVersionsOf(
  { version, target: { outputs } }: ModelCard,
  cardText: Buffer,
  { signature, isFirstOutput }: OnnxRunner,
): CacheVersions {
  const withCard = `${version}-${hash("sha256", cardText).slice(0, 16)}`;
  const isPlain = signature.kind === "table" && isFirstOutput && outputs === undefined;
  return { numbers: isPlain ? version : withCard, bodies: withCard };
}

/**
 * Loads an ONNX model and its card, which has the same path with the ending `.json`. Predicts the
 * card's example once.
 *
 * @param maxRecords the maximum number of records in a list
 * @param metrics counts the runs of the model
 * @throws {ModelError} with the name of the file and what is wrong with it
 */
export async function loadModel(
  modelPath: string,
  maxRecords: number,
  metrics?: Metrics,
): Promise<CompilableModel> {
  const cardPath = cardPathOf(modelPath);
  const model = await read(modelPath);
  const cardText = await read(cardPath, "; ./run.sh card writes it");
  const card = parseCard(cardPath, cardText.toString());
  const version = hash("sha256", model);
  if (version !== card.version) {
    throw new ModelError(
      `${cardPath} describes another model: ${modelPath} has SHA-256 ${version}`,
    );
  }
  try {
    const onnx = await createRunner(model, card);
    const engine = batched(onnx, undefined, metrics);
    const errors = onnx.errors && { runner: onnx.errors, engine: batched(onnx.errors) };
    const { features, covers, interval } = card;
    const intervals = interval && errors && { ...createIntervals(interval), engine: errors.engine };
    const signature = {
      ...onnx.signature,
      ...(intervals && { interval: describeIntervals(intervals) }),
    };
    const options = treeOptionsOf(card, onnx);
    const { outputs } = engine;
    const task = { path: modelPath, version, options, features, outputs, covers };
    const explainer = batched(createExplainRunner(task, engine));
    const reader = createBodyReader(card, maxRecords);
    const tensorReader = createTensorReader({ features, signature }, maxRecords);
    let compiling: Promise<unknown> = Promise.resolve();

    async function compile(): Promise<void> {
      const file = { path: modelPath, version, card };
      await engine.use(await createTreeRunner(file, onnx));
      if (errors) await errors.engine.use(await createTreeRunner(file, errors.runner));
    }
    return {
      card,
      version,
      cacheVersions: cacheVersionsOf(card, cardText, onnx),
      engine,
      ...(intervals && { intervals }),
      explainer,
      range: new TrainingRange(features),
      example: readExample(card),
      signature,
      reader,
      tensorReader,
      async compile() {
        const compiled = compile();
        compiling = Promise.allSettled([compiled]);
        await compiled;
      },
      async release() {
        await compiling;
        await explainer.release();
        await Promise.all([
          reader.close(),
          tensorReader.close(),
          engine.release(),
          errors?.engine.release(),
        ]);
      },
    };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`${modelPath} cannot be served: ${error.message}`, { cause: error });
  }
}
