import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of models made by Python libraries. */
export const pythonModels = join(import.meta.dirname, "../../shared/models");

/** Whether these models are on this machine. */
export const hasPythonModels = existsSync(pythonModels);

/** A model made by a Python library. */
export interface PythonModel {
  /** The name of its files. */
  readonly name: string;
  /** The names of one row and of several rows. */
  readonly record: { readonly singular: string; readonly plural: string };
  /** The card's features that are not plain numbers, by name. */
  readonly features?: Readonly<Record<string, object>>;
}

export const wine: PythonModel = {
  name: "wine-lightgbm",
  record: { singular: "wine", plural: "wines" },
};

export const iris: PythonModel = {
  name: "iris-probabilities",
  record: { singular: "flower", plural: "flowers" },
};

export const flats: PythonModel = {
  name: "flats-mixed",
  record: { singular: "flat", plural: "flats" },
  features: {
    district: { type: "category", categories: ["Nord", "Süd", "hafen", "old town"] },
    rooms: { type: "integer", ge: 1, le: 9 },
    "area m2": { input: "area_m2", gt: 0 },
    lift: { type: "integer", ge: 0, le: 1 },
    year: { type: "integer" },
  },
};

/** Returns rows of the training data, and the predictions of Python's ONNX Runtime for them. */
export function expectedOf({ name }: Pick<PythonModel, "name">): {
  rows: Record<string, unknown>[];
  predictions: number[][];
} {
  return JSON.parse(readFileSync(join(pythonModels, `${name}.expected.json`), "utf8"));
}

/**
 * Copies a model to a folder and writes its card.
 *
 * @returns the path of the model
 */
export function copyPythonModel(model: PythonModel, folder: string): string {
  const { name, record, features = {} } = model;
  const path = join(folder, `${name}.onnx`);
  copyFileSync(join(pythonModels, `${name}.onnx`), path);
  const [row = {}] = expectedOf(model).rows;
  const card = {
    name,
    version: createHash("sha256").update(readFileSync(path)).digest("hex"),
    record,
    features: Object.entries(row).map(([feature, example]) => ({
      name: feature,
      example,
      ...features[feature],
    })),
  };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(card));
  return path;
}

const cardCommand = join(import.meta.dirname, "../model/src/card.ts");

/**
 * Copies a model to a folder, and writes its card with the card command.
 *
 * @param target the column that the model predicts
 * @returns the path of the model
 * @throws {Error} with what the command prints, if it fails
 */
export function copyWithCard(
  { name, record }: Pick<PythonModel, "name" | "record">,
  target: string,
  folder: string,
): string {
  const path = join(folder, `${name}.onnx`);
  copyFileSync(join(pythonModels, `${name}.onnx`), path);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...[cardCommand, path, "--data", join(pythonModels, `${name}.csv`), "--target", target],
      ...["--record", `${record.singular},${record.plural}`],
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return path;
}
