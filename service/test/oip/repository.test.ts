import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { App } from "../../src/app.ts";
import { MemoryCache, memoryStore } from "../../src/cache/memory.ts";
import { ReadThrough } from "../../src/cache/read-through.ts";
import { type LoadedModel, loadModel } from "../../src/model/loaded-model.ts";
import { ModelRepository } from "../../src/model/model-repository.ts";
import { appUnderTest, post, silentLogger } from "../app-under-test.ts";
import { startService } from "../service-process.ts";
import { digest, folderWith, identity, inferenceOf, negation, writeModel } from "./model-files.ts";

interface Loaded {
  readonly model: LoadedModel;
  isReleased: boolean;
}

async function serveFolder(folder: string, defaultName: string | undefined, cached = {}) {
  const loaded: Loaded[] = [];
  const models = new ModelRepository({
    path: folder,
    async load(path) {
      const model = await loadModel(path, 1000);
      const entry: Loaded = {
        model: {
          ...model,
          async release() {
            entry.isReleased = true;
            await model.release();
          },
        },
        isReleased: false,
      };
      loaded.push(entry);
      return entry.model;
    },
    logger: silentLogger,
  });
  const defaultModel = await models.open(defaultName);
  const app = appUnderTest({ models, defaultModel, modelControl: "explicit", ...cached });
  return { app, models, loaded };
}

async function infer(app: App, name: string, value = 5) {
  const response = await post(app, `/v2/models/${name}/infer`, inferenceOf(value));
  const { model_version: version, outputs } = Object(await response.json());
  return { status: response.status, version, prediction: outputs?.[0]?.data[0] };
}

async function predict(app: App, value = 5) {
  const response = await post(app, "/predict", { a: value });
  const { prediction } = Object(await response.json());
  const version = response.headers.get("x-model-version") ?? undefined;
  return { status: response.status, version, prediction };
}

async function change(app: App, name: string, action: "load" | "unload", body: unknown = "") {
  const response = await app.request(`/v2/repository/models/${name}/${action}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, ...Object(await response.json()) };
}

async function index(app: App, body = "") {
  const response = await app.request("/v2/repository/index", { method: "POST", body });
  return response.json();
}

const first = { status: 200, version: digest(identity), prediction: 5 };
const second = { status: 200, version: digest(negation), prediction: -5 };

describe("several models", () => {
  test("each model of a folder is served under the name of its file, one of them at /predict", async () => {
    const folder = folderWith("a", "b");
    writeModel(folder, "b", negation);
    writeFileSync(join(folder, "no-card.onnx"), identity);
    const { app } = await serveFolder(folder, "b");
    expect(await infer(app, "a")).toEqual(first);
    expect(await infer(app, "b")).toEqual(second);
    expect(await predict(app)).toEqual(second);
    expect((await infer(app, "no-card")).status).toBe(404);
    expect(await index(app)).toEqual([
      { name: "a", version: first.version, state: "READY", reason: "" },
      { name: "b", version: second.version, state: "READY", reason: "" },
    ]);
    expect(Object(await (await app.request("/status")).json()).models).toHaveLength(2);
  });

  test("without MODEL_DEFAULT, the only model is the default one", async () => {
    const { app } = await serveFolder(folderWith("a"), undefined);
    expect(await predict(app)).toEqual(first);
  });

  test.each<
    [what: string, files: readonly string[], environment: Record<string, string>, message: string]
  >([
    [
      "several models have no default",
      ["a", "b"],
      {},
      "MODEL_DEFAULT: found nothing; allowed: a, b\n",
    ],
    [
      "MODEL_DEFAULT is unknown",
      ["a", "b"],
      { MODEL_DEFAULT: "c" },
      'MODEL_DEFAULT: found "c"; allowed: a, b\n',
    ],
    [
      "MODEL_DEFAULT is not the name of the only model",
      ["a"],
      { MODEL_DEFAULT: "c" },
      'MODEL_DEFAULT: found "c"; allowed: a\n',
    ],
    [
      "MODEL_PATH is neither an ONNX file nor a folder",
      ["a"],
      { MODEL_PATH: "model.pkl" },
      'MODEL_PATH: found "model.pkl"; allowed: a path ending in .onnx, or a folder with models\n',
    ],
    [
      "the folder has no models",
      [],
      {},
      "which has no model; allowed: an ONNX file, or a folder with ONNX files and their cards\n",
    ],
    [
      "MODEL_CONTROL=explicit with several workers",
      ["a"],
      { MODEL_CONTROL: "explicit", WORKERS: "2" },
      'WORKERS: found "2"; allowed: 1, so that MODEL_CONTROL="explicit" loads models in all processes\n',
    ],
  ])("the service does not start if %s", async (_, files, environment, message) => {
    const service = startService({ MODEL_PATH: folderWith(...files), ...environment });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toContain(message);
  });

  test("the service does not start if one of several models is broken, and names its file", async () => {
    const folder = folderWith("a", "b");
    writeFileSync(join(folder, "b.onnx"), "broken");
    const service = startService({ MODEL_PATH: folder, MODEL_DEFAULT: "a" });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toContain(`${join(folder, "b.json")} describes another model`);
  });
});

describe("a change of a model's version", () => {
  test("after a load, all endpoints serve the new version of a file", async () => {
    const folder = folderWith("a", "other");
    const { app, loaded } = await serveFolder(folder, "a");
    expect(await infer(app, "a")).toEqual(first);
    expect(await predict(app)).toEqual(first);
    writeModel(folder, "a", negation, { description: "The other way round" });
    expect(await infer(app, "a")).toEqual(first);
    expect(await change(app, "a", "load", {})).toEqual({ status: 200, name: "a", load: true });
    expect(await infer(app, "a")).toEqual(second);
    expect(await predict(app)).toEqual(second);
    expect(await infer(app, "other")).toEqual(first);
    expect((await app.request(`/v2/models/a/versions/${first.version}/ready`)).status).toBe(404);
    expect((await app.request(`/v2/models/a/versions/${second.version}/ready`)).status).toBe(200);
    const { info } = Object(await (await app.request("/openapi.json")).json());
    expect(info.description).toContain("The other way round");
    expect(loaded.map(({ isReleased }) => isReleased)).toEqual([true, false, false]);
  });

  test("a request in flight finishes with the version it began with, which is released afterwards", async () => {
    const folder = folderWith("a");
    const { app, loaded } = await serveFolder(folder, "a");
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const text = JSON.stringify(inferenceOf(5));
    const pending = app.request("/v2/models/a/infer", {
      method: "POST",
      body: body.readable,
      duplex: "half",
    } as RequestInit);
    await writer.write(Buffer.from(text.slice(0, 20)));
    writeModel(folder, "a", negation);
    await change(app, "a", "load");
    expect(await infer(app, "a")).toEqual(second);
    expect(loaded[0]?.isReleased).toBe(false);
    await writer.write(Buffer.from(text.slice(20)));
    await writer.close();
    const { model_version: version, outputs } = Object(await (await pending).json());
    expect({ version, data: outputs[0].data }).toEqual({ version: first.version, data: [5] });
    expect(loaded.map(({ isReleased }) => isReleased)).toEqual([true, false]);
  });

  test.each<[what: string, breakFiles: (folder: string) => void, reason: string]>([
    ["no ONNX file", (folder) => rmSync(join(folder, "a.onnx")), "cannot read "],
    ["no card", (folder) => rmSync(join(folder, "a.json")), "; ./run.sh card writes it"],
    [
      "a card that is not JSON",
      (folder) => writeFileSync(join(folder, "a.json"), "{"),
      "is not a model card that can be served",
    ],
    [
      "the card of another model",
      (folder) => writeModel(folder, "a", negation, { version: digest(identity) }),
      "describes another model",
    ],
    [
      "a broken ONNX file",
      (folder) => writeModel(folder, "a", Buffer.from("broken")),
      "a.onnx cannot be served: ",
    ],
  ])(
    "with %s, the previous version is still served, and the response says why",
    async (_, breakFiles, reason) => {
      const folder = folderWith("a");
      const { app } = await serveFolder(folder, "a");
      breakFiles(folder);
      expect(await change(app, "a", "load")).toEqual({
        status: 400,
        error: expect.stringContaining(reason),
      });
      expect(await infer(app, "a")).toEqual(first);
      expect(await predict(app)).toEqual(first);
      expect(await index(app)).toMatchObject([
        { name: "a", state: "READY", reason: expect.stringContaining(reason) },
      ]);
      writeModel(folder, "a", negation);
      await change(app, "a", "load");
      expect(await infer(app, "a")).toEqual(second);
      expect(await index(app)).toMatchObject([{ name: "a", state: "READY", reason: "" }]);
    },
  );

  test("a model that was added to the folder can be loaded", async () => {
    const folder = folderWith("a");
    const { app } = await serveFolder(folder, "a");
    writeModel(folder, "b", negation);
    expect(await index(app)).toMatchObject([
      { name: "a", state: "READY" },
      { name: "b", state: "UNAVAILABLE", reason: "not loaded" },
    ]);
    expect((await infer(app, "b")).status).toBe(404);
    expect((await change(app, "b", "load")).status).toBe(200);
    expect(await infer(app, "b")).toEqual(second);
  });

  test("an unloaded model is not served until it is loaded again", async () => {
    const { app, loaded } = await serveFolder(folderWith("a", "b"), "a");
    expect(await change(app, "b", "unload", { parameters: { unload_dependents: false } })).toEqual({
      status: 200,
      name: "b",
      unload: true,
    });
    expect(loaded.map(({ isReleased }) => isReleased)).toEqual([false, true]);
    expect((await infer(app, "b")).status).toBe(404);
    expect((await app.request("/v2/models/b/ready")).status).toBe(404);
    expect(await index(app, '{"ready":true}')).toMatchObject([{ name: "a" }]);
    expect(await predict(app)).toEqual(first);
    await change(app, "b", "load");
    expect(await infer(app, "b")).toEqual(first);
  });

  test("if the default model is unloaded, /predict gets 503 with Retry-After until it is loaded again", async () => {
    const { app } = await serveFolder(folderWith("a"), undefined);
    await change(app, "a", "unload");
    const response = await post(app, "/predict", { a: 1 });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect((await app.request("/openapi.json")).status).toBe(503);
    await change(app, "a", "load");
    expect(await predict(app)).toEqual(first);
  });

  test("loads of the same model at the same time happen one after the other", async () => {
    const folder = folderWith("a");
    const { app, loaded } = await serveFolder(folder, "a");
    writeModel(folder, "a", negation);
    const changes = Array.from({ length: 5 }, () => change(app, "a", "load"));
    expect((await Promise.all(changes)).map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(loaded.map(({ isReleased }) => isReleased)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});

describe("the cache of several models and versions", () => {
  /** A cache with both tiers. */
  function cached() {
    const options = { maxBytes: 100_000, ttlSeconds: 60 };
    const store = memoryStore(new MemoryCache(options));
    const tiers = { memory: new MemoryCache(options), storeFor: () => store };
    return { cache: new ReadThrough({ ...tiers, logger: silentLogger }) };
  }

  async function bulkPredict(app: App, value: number) {
    const response = await post(app, "/bulk_predict", { records: [{ a: value }] });
    const { predictions } = Object(await response.json());
    return { status: response.status, cache: response.headers.get("x-cache"), predictions };
  }

  test("a prediction that a changed card forbids is not found in the cache", async () => {
    const folder = folderWith("a");
    const { app } = await serveFolder(folder, "a", cached());
    await bulkPredict(app, -1);
    expect(await bulkPredict(app, -1)).toMatchObject({ cache: "HIT", predictions: [-1] });
    expect((await infer(app, "a", -1)).status).toBe(200);
    writeModel(folder, "a", identity, { features: [{ name: "a", gt: 0, example: 1 }] });
    await change(app, "a", "load");
    expect((await bulkPredict(app, -1)).status).toBe(422);
    expect((await predict(app, -1)).status).toBe(422);
    expect((await infer(app, "a", -1)).status).toBe(400);
  });

  test("predictions that a changed card writes in a different form are not found in the cache", async () => {
    const folder = folderWith("a");
    const { app } = await serveFolder(folder, "a", cached());
    expect((await predict(app)).prediction).toBe(5);
    expect((await bulkPredict(app, 5)).predictions).toEqual([5]);
    writeModel(folder, "a", identity, { target: { outputs: ["only"] } });
    await change(app, "a", "load");
    expect((await predict(app)).prediction).toEqual([5]);
    expect((await bulkPredict(app, 5)).predictions).toEqual([[5]]);
  });

  test("two files with the same model have responses with their own names", async () => {
    const { app } = await serveFolder(folderWith("a", "b"), "a", cached());
    for (const name of ["a", "b", "a", "b"]) {
      const response = await post(app, `/v2/models/${name}/infer`, inferenceOf(5));
      expect(await response.json()).toMatchObject({ model_name: name });
    }
  });
});

describe("requests to the repository", () => {
  test.each<[path: string]>([
    ["/v2/repository/index"],
    ["/v2/repository/models/housing/load"],
    ["/v2/repository/models/housing/unload"],
  ])("%s gets 404 unless MODEL_CONTROL is explicit", async (path) => {
    const app = appUnderTest();
    const response = await app.request(path, { method: "POST" });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: "the model repository is off; MODEL_CONTROL=explicit turns it on",
    });
    expect((await app.request("/v2/models/housing/ready")).status).toBe(200);
  });

  test.each<[path: string, body: string, status: number, error: string]>([
    ["models/nope/load", "", 404, 'model "nope" is unknown'],
    ["models/nope/unload", "{}", 404, 'model "nope" is unknown'],
    ["models/..%2f..%2fa/load", "", 404, 'model "../../a" is unknown'],
    [`models/${"a".repeat(300)}/load`, "", 404, "the model is unknown"],
    ["models/a/load", "{", 400, "the JSON is invalid: "],
    ["models/a/load", "[]", 400, "the body must be an object"],
    [
      "models/a/load",
      '{"parameters":{"config":"{}"}}',
      400,
      "must be empty: the files are loaded as they are",
    ],
    ["index", '{"ready":1}', 400, "ready must be true or false"],
    ["index", " ".repeat(65_537), 413, "Content Too Large"],
  ])("/v2/repository/%s with the body %s gets %d", async (path, body, status, error) => {
    const { app } = await serveFolder(folderWith("a"), "a");
    const response = await app.request(`/v2/repository/${path}`, {
      method: "POST",
      body,
      headers: { "content-length": String(body.length) },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.stringContaining(error) });
  });
});

test("/v2/health/ready gets 503 while draining, /v2/health/live does not", async () => {
  const app = appUnderTest({ isDraining: () => true });
  const ready = await app.request("/v2/health/ready");
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 503,
    body: { ready: false },
  });
  expect((await app.request("/v2/health/live")).status).toBe(200);
});
