import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { coversOf } from "../../../service/src/explain/covers.ts";
import { describeFaults, ModelCard } from "../../../service/src/model/card.ts";
import type { Runner } from "../../../service/src/model/engine.ts";
import { cardPathOf, createRunner } from "../../../service/src/model/loaded-model.ts";
import { ModelError } from "../../../service/src/model/model-error.ts";
import { createSession } from "../../../service/src/model/onnx-runner.ts";
import { type Inputs, inputsOf, outputFor } from "../../../service/src/model/onnx-tensors.ts";
import { treeOptionsOf } from "../../../service/src/model/tree-runner.ts";
import { type Locations, locationsPathOf } from "../../../service/src/playground/locations.ts";
import { toCell } from "../../../service/src/records/schema.ts";
import { summarizeLocations } from "../locations.ts";
import { type ProgressStream, progressFor, withProgress } from "../progress.ts";
import { replaceFiles } from "../replace-files.ts";
import { sha256 } from "../sha256.ts";
import { type FeatureColumn, featureReader, targetReader } from "./columns.ts";
import { matchInputs } from "./match-inputs.ts";
import { type Measurement, measure } from "./measure.ts";
import { readTable } from "./read-table.ts";

const rowsPerRun = 1024;
/** Counting the leaves of this many rows takes a few seconds. */
const maxCoverRows = 100_000;
/** Progress is shown for more rows. */
const largeTableRows = 100_000;

/** The sources of a card. */
export interface CardSources {
  /** The model's file, ending in `.onnx`. */
  readonly model: string;
  /** The CSV file with the training rows. */
  readonly data: string;
  /** The column that the model predicts. */
  readonly target: string | undefined;
  /** The names of one row and of several rows. */
  readonly record: ModelCard["record"] | undefined;
  /** Whether to replace an existing card. */
  readonly force: boolean;
}

/** The written card. */
export interface WrittenCard {
  readonly path: string;
  readonly card: ModelCard;
  readonly rows: number;
  readonly metrics: Measurement["metrics"];
  /** Assumptions that the user should check. */
  readonly notes: readonly string[];
}

/**
 * Describes a model based on its training rows, and writes the card next to the model. The same
 * files always give the same card, which the service accepts.
 *
 * @param stream where progress is shown
 * @throws {Error} if the card exists, the model can't be served, or the table does not match the
 *   model
 */
export async function writeCard(
  sources: CardSources,
  stream: ProgressStream,
): Promise<WrittenCard> {
  const { model, force } = sources;
  const cardPath = cardPathOf(model);
  if (existsSync(cardPath) && !force) {
    throw new Error(
      `${cardPath} already exists and may have been edited; use --force to replace it`,
    );
  }
  const onnx = await readFile(model);
  try {
    const { card, locations, ...report } = await describeModel(onnx, sources, stream);
    const contents = new Map([[cardPath, `${JSON.stringify(card, null, 2)}\n`]]);
    if (locations) contents.set(locationsPathOf(model), `${JSON.stringify(locations)}\n`);
    await replaceFiles(contents);
    return { path: cardPath, card, ...report };
  } catch (error) {
    throw error instanceof ModelError
      ? new Error(`${model} cannot be served: ${error.message}`, { cause: error })
      : error;
  }
}

interface Description extends Omit<WrittenCard, "path"> {
  readonly locations?: Locations | undefined;
}

async function describeModel(
  onnx: Uint8Array,
  sources: CardSources,
  stream: ProgressStream,
): Promise<Description> {
  const { target } = sources;
  const session = await createSession(onnx);
  const inputs = inputsOf(session.inputMetadata);
  const { name: output } = outputFor(session.outputMetadata, undefined);
  const isLabel = session.outputMetadata.some(
    (each) => each.isTensor && each.name === output && each.type.startsWith("int"),
  );
  const table = await readFeatures(inputs, sources, stream);
  const draft = {
    name: path.basename(sources.model, ".onnx").replaceAll(/[^\w.-]/g, "-"),
    version: sha256(onnx),
    record: sources.record,
    features: table.features.map(({ feature }) => feature),
    target: { name: target, output: session.outputNames.length > 1 ? output : undefined },
    data: { name: path.basename(sources.data), sha256: table.sha256, rows: table.rows },
  };
  const card = parseCard(draft);
  const runner = await createRunner(onnx, card);
  const { outputs } = runner;
  const covers = coversOf(onnx, treeOptionsOf(card, runner), spreadRows(table));
  if (target === undefined) {
    const unnamed = `The model predicts ${outputs} numbers for each record. Name them in the card, as target.outputs.`;
    const notes = outputs > 1 ? [...table.notes, unnamed] : table.notes;
    return { card: parseCard({ ...draft, covers }), rows: table.rows, metrics: {}, notes };
  }
  const predictions = await predictTable(runner, table, stream);
  const measured = measure({ target, truth: table.truth, predictions, outputs, isLabel });
  const { metrics, notes } = measured;
  const located = table.features.map(({ feature, cells }) => ({
    name: feature.name,
    values: cells,
  }));
  const isNumber = "r2" in metrics;
  return {
    locations: isNumber ? summarizeLocations(located, table.truth.map(Number)) : undefined,
    card: parseCard({
      ...draft,
      target: { ...draft.target, outputs: measured.outputs },
      covers,
      metrics: Object.keys(metrics).length > 0 ? { train: metrics } : undefined,
    }),
    rows: table.rows,
    metrics,
    notes: [...table.notes, ...notes],
  };
}

/** @throws {Error} if the service would reject the card */
function parseCard(draft: unknown): ModelCard {
  const { data, error } = ModelCard.safeParse(draft);
  if (error) throw new Error(describeFaults(error, draft), { cause: error });
  return data;
}

/** The features and the true value of each row of the table. */
interface Features {
  readonly features: readonly FeatureColumn[];
  readonly truth: readonly string[];
  readonly rows: number;
  readonly sha256: string;
  readonly notes: readonly string[];
}

async function readFeatures(
  inputs: Inputs,
  { data, target }: CardSources,
  stream: ProgressStream,
): Promise<Features> {
  const truth = targetReader();
  const { reader, ...table } = await readTable(data, stream, (header) => {
    const { features, notes } = matchInputs(inputs, header, target);
    const readers = new Map(
      features.map(({ name, input }) => {
        const isNamed = inputs.kind === "table" || input.name === name;
        return [name, featureReader(isNamed ? { name } : { name, input: input.name }, input)];
      }),
    );
    const columns = header.map((name) => (name === target ? truth : readers.get(name)));
    return { columns, readers, notes };
  });
  const features = Array.from(reader.readers.values(), (each) => each.finish());
  return { ...table, features, truth: truth.cells, notes: reader.notes };
}

/**
 * Returns rows as the model's input.
 *
 * @param rowAt returns the table's row for a row of the matrix
 */
function matrixOf(
  features: readonly FeatureColumn[],
  rows: number,
  rowAt: (row: number) => number,
): Float32Array {
  const matrix = new Float32Array(rows * features.length);
  for (const [column, { cells }] of features.entries()) {
    for (let row = 0; row < rows; row++) {
      matrix[row * features.length + column] = toCell(cells[rowAt(row)] ?? Number.NaN);
    }
  }
  return matrix;
}

/** Returns all rows, or evenly spaced rows of a long table. */
function spreadRows({ features, rows }: Features): Float32Array {
  const count = Math.min(rows, maxCoverRows);
  return matrixOf(features, count, (row) => Math.floor((row * rows) / count));
}

async function predictTable(
  { run, outputs }: Runner,
  { features, rows }: Features,
  stream: ProgressStream,
): Promise<Float64Array> {
  const predictions = new Float64Array(rows * outputs);
  const progress = progressFor(stream, rows > largeTableRows);
  await withProgress(progress, "predict", async (report) => {
    for (let from = 0; from < rows; from += rowsPerRun) {
      const count = Math.min(rowsPerRun, rows - from);
      const matrix = matrixOf(features, count, (row) => from + row);
      predictions.set(await run(matrix), from * outputs);
      report((from + count) / rows, `${from + count} of ${rows} rows`);
    }
  });
  return predictions;
}
