import { lstatSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";

const allowed =
  "an ONNX file in the project's folder model/, such as model/california-housing.onnx";

/**
 * The path of a model, relative to the project. `.dockerignore` lets only the models in `model/`, with
 * their cards, into the build of the image.
 */
const AnyModel = z.string(allowed).regex(/^model\/[\w.-]+\.onnx$/, { error: allowed, abort: true });

/** The stack's setting `service.model`. */
export const ModelPath = AnyModel.default("model/california-housing.onnx");

/** The stack's setting `service.otherModels`. */
export const OtherModels = z.array(AnyModel, `a list of models, each ${allowed}`).default([]);

/** Returns the name under which the service serves a model. */
export const modelName = (model: string) => basename(model, ".onnx");

/** Returns the path of a model's card. */
export const cardOf = (model: string) => model.replace(/onnx$/, "json");

const project = dirname(import.meta.dirname);

/** Returns whether there is a regular file. The target of a symbolic link is not in the build. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Checks that a model and its card exist.
 *
 * @returns what was found and what is allowed; undefined if both exist
 */
export function missingFile(model: string, folder = project): string | undefined {
  if (!isFile(join(folder, model))) {
    return `found "${model}", which is not a regular file; allowed: ${allowed}`;
  }
  const card = cardOf(model);
  if (isFile(join(folder, card))) return undefined;
  return `found "${model}" without its card ${card}; ./run.sh card ${model} --data FILE.csv writes it`;
}
