import { readFile } from "node:fs/promises";
import { ModelError } from "../model/model-error.ts";
import { Locations, locationsPathOf } from "./locations.ts";

/**
 * Reads the locations of a model's training rows.
 *
 * @returns undefined if the model has none
 * @throws {ModelError} if the file cannot be read or is not valid
 */
export async function readLocations(modelPath: string): Promise<Locations | undefined> {
  const path = locationsPathOf(modelPath);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new ModelError(`cannot read ${path}`, { cause });
  }
  try {
    return Locations.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError(`${path} does not describe locations: ${String(cause)}`, { cause });
  }
}
