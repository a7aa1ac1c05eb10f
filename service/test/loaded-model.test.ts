import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type LoadedModel, loadModel } from "../src/model/loaded-model.ts";
import { ModelError } from "../src/model/model-error.ts";
import { house, modelPath } from "./house-model.ts";

/** Creates a folder with the given files. */
async function modelFolder(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "model-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  return join(folder, "m.onnx");
}

describe("a model that can't be served", () => {
  let onnx: Buffer;
  let card: string;
  beforeAll(async () => {
    onnx = await readFile(modelPath);
    card = await readFile(modelPath.replace(".onnx", ".json"), "utf8");
  });

  async function loading(files: Record<string, Uint8Array | string>) {
    return loadModel(await modelFolder(files), 10);
  }

  test("a model is rejected if a file is missing", async () => {
    await expect(loading({ "m.json": card })).rejects.toThrow(/^cannot read .*m\.onnx$/);
    await expect(loading({ "m.onnx": onnx })).rejects.toThrow(
      /^cannot read .*m\.json; \.\/run\.sh card writes it$/,
    );
  });

  test("if a model has several faults, the same one is reported each time", async () => {
    const folders: [Record<string, string>, RegExp][] = [
      [{}, /^cannot read .*m\.onnx$/],
      [{ "m.json": "{" }, /^cannot read .*m\.onnx$/],
      [{ "m.json": '{"version":"x"}' }, /^cannot read .*m\.onnx$/],
      [{ "m.onnx": "garbage", "m.json": "{" }, /m\.json is not a model card/],
    ];
    for (const [files, message] of folders) {
      const path = await modelFolder(files);
      for (let times = 0; times < 50; times++) {
        await expect(loadModel(path, 10)).rejects.toThrow(message);
      }
    }
  });

  test("a model is rejected if its card is malformed", async () => {
    const malformed = { "m.onnx": onnx, "m.json": card.slice(1) };
    await expect(loading(malformed)).rejects.toThrow(
      /m\.json is not a model card that can be served:\nSyntaxError/,
    );
    const incomplete = { "m.onnx": onnx, "m.json": '{"version":"x"}' };
    await expect(loading(incomplete)).rejects.toThrow(/version[\s\S]*features/);
  });

  test("a model is rejected if its card belongs to another model", async () => {
    const changed = Buffer.concat([onnx, Buffer.from([0])]);
    const digest = createHash("sha256").update(changed).digest("hex");
    await expect(loading({ "m.onnx": changed, "m.json": card })).rejects.toThrow(
      new RegExp(`m\\.json describes another model: .*m\\.onnx has SHA-256 ${digest}$`),
    );
  });

  test("a model is rejected if its file is not ONNX", async () => {
    const garbage = "garbage";
    const version = createHash("sha256").update(garbage).digest("hex");
    const files = {
      "m.onnx": garbage,
      "m.json": JSON.stringify({ ...JSON.parse(card), version }),
    };
    await expect(loading(files)).rejects.toThrow(ModelError);
    await expect(loading(files)).rejects.toThrow(
      /m\.onnx cannot be served: ONNX Runtime cannot load it/,
    );
  });
});

describe("the committed model", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(modelPath, 10);
  });
  const row = Object.values(house);

  test("the telemetry of ONNX Runtime is disabled", () => {
    const { ORT_DISABLE_TELEMETRY } = process.env;
    expect(ORT_DISABLE_TELEMETRY).toBe("1");
  });

  test("the version of the committed model is its digest", async () => {
    const digest = createHash("sha256")
      .update(await readFile(modelPath))
      .digest("hex");
    expect(model.version).toBe(digest);
  });

  test("cache keys of the committed model's numbers have its version, not its card", () => {
    expect(model.cacheVersions.numbers).toBe(model.version);
  });

  test("the committed model's prediction is close to the true value of 452,600 USD", async () => {
    const [prediction = 0] = await model.engine.predict(Float32Array.from(row));
    expect(Math.abs(prediction - 4.526)).toBeLessThan(0.6);
  });

  test("an empty matrix gets no predictions", async () => {
    expect(await model.engine.predict(new Float32Array())).toEqual(new Float32Array());
  });

  test("a row gets the same prediction, bit for bit, alone and in any batch", async () => {
    const rows = Array.from({ length: 300 }, (_, i) =>
      row.map((value, j) => value + (i % (j + 3))),
    );
    const batch = await model.engine.predict(Float32Array.from(rows.flat()));
    const alone = [];
    for (const each of rows) alone.push(...(await model.engine.predict(Float32Array.from(each))));
    expect([...batch]).toEqual(alone);
  });

  test("a prediction does not change the matrix", async () => {
    const matrix = Float32Array.from(row);
    await model.engine.predict(matrix);
    expect([...matrix]).toEqual([...Float32Array.from(row)]);
  });
});
