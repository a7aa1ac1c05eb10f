import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, onTestFinished } from "vitest";
import { z } from "zod";
import type { App } from "../src/app.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { appUnderTest, defaultLimits, post } from "./app-under-test.ts";

/** Creates a folder that is deleted when the test ends, or when `onEnd` says so. */
export function temporaryFolder(onEnd: (end: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "model-under-test-"));
  onEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes a model and its card. If the card has no version, it gets the model's digest. */
export function modelFiles(onnx: Uint8Array, card: object): string {
  const path = join(temporaryFolder(), "m.onnx");
  const version = createHash("sha256").update(onnx).digest("hex");
  writeFileSync(path, onnx);
  writeFileSync(path.replace(".onnx", ".json"), JSON.stringify({ name: "m", version, ...card }));
  return path;
}

/** Serves the model of a file. */
export async function appOf(path: string): Promise<App> {
  const model = await loadModel(path, defaultLimits.maxHouses);
  onTestFinished(() => model.release());
  return appUnderTest({ model });
}

/** Serves a model with a card. */
export const appOfModel = (onnx: Uint8Array, card: object) => appOf(modelFiles(onnx, card));

/** Returns the features of a card: numbers with these names. */
export const numbers = (...names: string[]) => names.map((name) => ({ name, example: 1 }));

const One = z.object({ prediction: z.unknown() });
const Many = z.object({ predictions: z.array(z.unknown()) });

export async function predictOne(app: App, record: unknown): Promise<unknown> {
  return One.parse(await (await post(app, "/predict", record)).json()).prediction;
}

export async function predictMany(
  app: App,
  records: readonly unknown[],
): Promise<readonly unknown[]> {
  return Many.parse(await (await post(app, "/bulk_predict", { records })).json()).predictions;
}

const Document = z.looseObject({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

/** Validates the OpenAPI document, and returns its schemas. */
export async function schemasOf(app: App): Promise<Readonly<Record<string, unknown>>> {
  const document: unknown = await (await app.request("/openapi.json")).json();
  expect(await new Validator().validate(Object(document))).toEqual({ valid: true });
  return Document.parse(document).components.schemas;
}
