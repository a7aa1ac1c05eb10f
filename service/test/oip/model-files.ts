import { createHash } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { operatorModel } from "../../../model/test/small-models.ts";
import { temporaryFolder } from "../model-under-test.ts";

/** Two versions of a model that predict different numbers from the same one. */
export const identity = operatorModel("Identity");
export const negation = operatorModel("Neg");

export const digest = (onnx: Uint8Array) => createHash("sha256").update(onnx).digest("hex");

/** Writes a model and its card. A reader sees either the old file or the new one. */
export function writeModel(
  folder: string,
  name: string,
  onnx: Uint8Array,
  card: object = {},
): void {
  const files = {
    [`${name}.onnx`]: onnx,
    [`${name}.json`]: JSON.stringify({
      name,
      version: digest(onnx),
      features: [{ name: "a", example: 1 }],
      ...card,
    }),
  };
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(folder, `${file}.new`), content);
    renameSync(join(folder, `${file}.new`), join(folder, file));
  }
}

/** Creates a folder with models that return their input. */
export function folderWith(...names: readonly string[]): string {
  const folder = temporaryFolder();
  for (const name of names) writeModel(folder, name, identity);
  return folder;
}

/** A request for a prediction of these models from one number. */
export const inferenceOf = (value: number) => ({
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [value] }],
});
