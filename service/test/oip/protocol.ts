import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { App } from "../../src/app.ts";
import { loadModel } from "../../src/model/loaded-model.ts";
import { ModelRepository } from "../../src/model/model-repository.ts";
import { appUnderTest, defaultLimits, post, silentLogger } from "../app-under-test.ts";
import { modelPath } from "../house-model.ts";
import { temporaryFolder } from "../model-under-test.ts";

/** Copies a model and its card. */
function copyModel(from: string, to: string): void {
  copyFileSync(from, to);
  copyFileSync(from.replace(/onnx$/, "json"), to.replace(/onnx$/, "json"));
}

/** Creates a folder with the committed model, as `housing.onnx`. */
export function housingFolder(onEnd?: (end: () => void) => void): string {
  const folder = temporaryFolder(onEnd);
  copyModel(modelPath, join(folder, "housing.onnx"));
  return folder;
}

type Overrides = Parameters<typeof appUnderTest>[0];

/** Serves the models of a folder, with `housing` as the default model. */
export async function protocolApp(folder = housingFolder(), overrides: Overrides = {}) {
  const models = new ModelRepository({
    path: folder,
    load: (path) => loadModel(path, overrides.limits?.maxHouses ?? defaultLimits.maxHouses),
    logger: silentLogger,
  });
  const defaultModel = await models.open("housing");
  const app = appUnderTest({ models, defaultModel, modelControl: "explicit", ...overrides });
  return { app, models, folder, version: defaultModel.current?.version ?? "" };
}

const Output = z.looseObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number()),
  parameters: z.looseObject({ binary_data_size: z.number().optional() }).nullish(),
  data: z.array(z.unknown()).optional(),
});

const Response = z.looseObject({
  id: z.string().nullish(),
  model_name: z.string(),
  outputs: z.array(Output),
});

/** Parses an inference response, whose FP32 outputs are JSON or bytes. */
export function parseInference(body: Buffer, headerLength: string | undefined) {
  const jsonBytes = headerLength === undefined ? body.length : Number(headerLength);
  const { outputs, ...rest } = Response.parse(JSON.parse(body.subarray(0, jsonBytes).toString()));
  let at = jsonBytes;
  return {
    ...rest,
    outputs: outputs.map(({ name, datatype, shape, parameters, data }) => {
      const size = parameters?.binary_data_size ?? 0;
      const bytes = body.subarray(at, at + size);
      at += size;
      const floats = Array.from({ length: size / 4 }, (_, index) => bytes.readFloatLE(4 * index));
      return { name, datatype, shape, data: data ?? floats };
    }),
    isBinary: headerLength !== undefined,
    unreadBytes: body.length - at,
  };
}

/** The path of inference by the default model of an app. */
export const inferPath = "/v2/models/housing/infer";

/** Sends an inference request that succeeds. */
export async function infer(app: App, body: unknown, headers = {}, to = inferPath) {
  const response = await post(app, to, body, headers);
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = response.headers.get("inference-header-content-length") ?? undefined;
  expect(`${response.status} ${response.status === 200 ? "" : bytes}`).toBe("200 ");
  return { headers: response.headers, ...parseInference(bytes, length) };
}

const ErrorBody = z.strictObject({ error: z.string() });

/** Sends an inference request that fails. */
export async function errorOf(app: App, body: unknown, headers = {}, to = inferPath) {
  const response = await post(app, to, body, headers);
  const { error } = ErrorBody.parse(await response.json());
  return { status: response.status, error };
}

/** The bytes of an FP32 tensor. */
export const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

/** Builds the body of a request with binary tensors, and its headers. */
export function binaryRequest(header: unknown, ...tensors: readonly Uint8Array[]) {
  const json = Buffer.from(JSON.stringify(header));
  return {
    body: Buffer.concat([json, ...tensors]),
    headers: { "inference-header-content-length": String(json.length) },
  };
}
