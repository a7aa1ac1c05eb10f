import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { cardPathOf } from "./loaded-model.ts";
import { ModelError } from "./model-error.ts";

const extension = ".onnx";

/** Returns the name of a model, which is its file's name. */
const nameOf = (path: string) => basename(path, extension);

/**
 * Finds models: an ONNX file, or each ONNX file with a card in a folder.
 *
 * @param path the setting `MODEL_PATH`
 * @returns the paths by the models' names, in the order of the names
 * @throws {ModelError} if the folder cannot be read
 */
export async function findModels(path: string): Promise<ReadonlyMap<string, string>> {
  if (path.endsWith(extension)) return new Map([[nameOf(path), path]]);
  let files: readonly string[];
  try {
    files = await readdir(path);
  } catch (cause) {
    const allowed = "a path ending in .onnx, or a folder with models";
    throw new ModelError(`MODEL_PATH: found "${path}"; allowed: ${allowed}`, { cause });
  }
  const models = files.filter(
    (file) => file.endsWith(extension) && files.includes(cardPathOf(file)),
  );
  return new Map(models.sort().map((file) => [nameOf(file), join(path, file)]));
}
