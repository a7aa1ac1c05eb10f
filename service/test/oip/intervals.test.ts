import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { waitOptions } from "../../../test/wait-options.ts";
import { type LoadedModel, loadModel } from "../../src/model/loaded-model.ts";
import { DriftWindow } from "../../src/telemetry/drift.ts";
import { appUnderTest, defaultLimits, post } from "../app-under-test.ts";
import { openCache } from "../cache-under-test.ts";
import { house, houseCard, modelPath } from "../house-model.ts";
import { RedisServer, redisTest } from "../redis-server.ts";
import {
  binaryRequest,
  errorOf,
  floats,
  housingFolder,
  infer,
  inferPath,
  protocolApp,
} from "./protocol.ts";

let model: LoadedModel;
/** The same model without intervals. */
let plain: LoadedModel;
beforeAll(async () => {
  const folder = housingFolder(afterAll);
  const { interval: _, ...card } = houseCard;
  writeFileSync(join(folder, "housing.json"), JSON.stringify(card));
  model = await loadModel(modelPath, defaultLimits.maxHouses);
  plain = await loadModel(join(folder, "housing.onnx"), defaultLimits.maxHouses);
  return () => Promise.all([model.release(), plain.release()]);
});

/** Rows that differ in their income. */
const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, row) => ({ ...house, MedInc: 1 + (row % 90) / 10 }));

const inputsOf = (rows: readonly (typeof house)[]) => ({
  inputs: [
    {
      name: "houses",
      shape: [rows.length, 8],
      datatype: "FP32",
      data: rows.flatMap((row) => Object.values(row)),
    },
  ],
});

const inputs = inputsOf([house]);

/** Asks for intervals, with these parameters of the output. */
const interval = (parameters?: object) => ({ name: "interval", parameters });

const prediction = (parameters?: object) => ({ name: "MedHouseVal", parameters });

const Bulk = z.object({
  predictions: z.array(z.number()),
  intervals: z.array(z.tuple([z.number(), z.number()])),
});

/** What `/bulk_predict` answers, as flat lists. */
async function bulk(rows: readonly (typeof house)[], level: number) {
  const body = { houses: rows };
  const response = await post(appUnderTest({ model }), `/bulk_predict?interval=${level}`, body);
  const { predictions, intervals } = Bulk.parse(await response.json());
  return { predictions, ends: intervals.flat() };
}

describe("an invalid request for intervals", () => {
  test.each<[level: string, found: string]>([
    ["0.49", "0.49"],
    ["1", "1"],
    ["-0.9", "-0.9"],
    ["90", "90"],
    ["1e999", "Infinity"],
    ['"0.9"', '"0.9"'],
    ["true", "true"],
    ["[0.9]", "[0.9]"],
    ["{}", "{}"],
    [`"${"9".repeat(1000)}"`, `"${"9".repeat(99)}`],
  ])(
    "the level %s gets 400, as a parameter of the output or of the request",
    async (level, found) => {
      const app = appUnderTest({ model });
      const allowed = `must be a number from 0.5 to 0.99, not ${found}`;
      const { inputs: sent } = inputs;
      const own = JSON.stringify({ outputs: [prediction(), interval({ level: 7 })], inputs: sent });
      expect(await errorOf(app, own.replace('"level":7', `"level":${level}`))).toEqual({
        status: 400,
        error: `outputs[1].parameters.level ${allowed}`,
      });
      const general = JSON.stringify({
        parameters: { level: 7 },
        outputs: [interval()],
        inputs: sent,
      });
      expect(await errorOf(app, general.replace('"level":7', `"level":${level}`))).toEqual({
        status: 400,
        error: `parameters.level ${allowed}`,
      });
    },
  );

  test("the level of a request that is read in another thread is checked as well", async () => {
    const body = { outputs: [interval({ level: 1 })], ...inputsOf(rowsOf(3000)) };
    expect(JSON.stringify(body).length).toBeGreaterThan(64 * 1024);
    expect(await errorOf(appUnderTest({ model }), body)).toEqual({
      status: 400,
      error: "outputs[0].parameters.level must be a number from 0.5 to 0.99, not 1",
    });
  });

  test("an output that is requested twice gets 400", async () => {
    const app = appUnderTest({ model });
    for (const [outputs, name] of [
      [[interval({ level: 0.8 }), interval({ level: 0.9 })], "interval"],
      [[prediction(), interval(), prediction()], "MedHouseVal"],
    ] as const) {
      expect(await errorOf(app, { outputs, ...inputs })).toEqual({
        status: 400,
        error: `output "${name}" is requested twice`,
      });
    }
  });

  test("the error for an unknown output lists both outputs", async () => {
    expect(
      await errorOf(appUnderTest({ model }), { outputs: [interval(), { name: "x" }], ...inputs }),
    ).toEqual({
      status: 400,
      error: 'output "x" is unknown. Allowed: "MedHouseVal", "interval"',
    });
  });

  test("a model without intervals says so, and does not list the output", async () => {
    const app = appUnderTest({ model: plain });
    expect(await errorOf(app, { outputs: [interval({ level: 0.9 })], ...inputs })).toEqual({
      status: 400,
      error:
        'output "interval" is unknown, since the model has no intervals. Allowed: "MedHouseVal"',
    });
    const { outputs } = Object(await (await app.request("/v2/models/housing")).json());
    expect(outputs).toEqual([{ name: "MedHouseVal", datatype: "FP32", shape: [-1, 1] }]);
  });

  test("an invalid row gets the same error with and without intervals", async () => {
    const app = appUnderTest({ model });
    const body = inputsOf([house, { ...house, MedInc: -1 }]);
    const plainError = await errorOf(app, body);
    expect(plainError.status).toBe(400);
    expect(await errorOf(app, { outputs: [interval()], ...body })).toEqual(plainError);
  });

  test("if the errors cannot be predicted, a request for intervals gets 500 or 504, and others do not", async () => {
    const { intervals } = model;
    if (intervals === undefined) throw new Error("the committed model has no intervals");
    const appWith = (predict: typeof intervals.engine.predict) =>
      appUnderTest({
        model: { ...model, intervals: { ...intervals, engine: { ...intervals.engine, predict } } },
        limits: { requestTimeoutMs: 50 },
      });
    const broken = appWith(() => Promise.reject(new Error("broken")));
    const hanging = appWith(() => new Promise<never>(() => {}));
    const body = { outputs: [interval()], ...inputs };
    expect(await errorOf(broken, body)).toEqual({ status: 500, error: "Internal Server Error" });
    expect(await errorOf(hanging, body)).toEqual({ status: 504, error: "Gateway Timeout" });
    for (const app of [broken, hanging])
      expect((await post(app, inferPath, inputs)).status).toBe(200);
  });
});

describe("requests that do not ask for intervals", () => {
  test.each<[what: string, parts: object]>([
    ["no outputs", {}],
    ["an empty list of outputs", { outputs: [] }],
    ["the predictions", { outputs: [prediction()] }],
    ["binary predictions", { outputs: [prediction({ binary_data: true })] }],
    ["binary_data_output", { parameters: { binary_data_output: true } }],
    ["an id", { id: "é" }],
    ["an invalid level", { parameters: { level: "x" }, outputs: [prediction({ level: [] })] }],
  ])(
    "with %s, the response is byte for byte that of a model without intervals",
    async (_, parts) => {
      const answers: unknown[] = [];
      for (const each of [plain, model]) {
        const response = await post(appUnderTest({ model: each }), inferPath, {
          ...parts,
          ...inputs,
        });
        expect(response.status).toBe(200);
        const {
          "server-timing": timing,
          "x-request-id": id,
          ...headers
        } = Object.fromEntries(response.headers);
        answers.push({ headers, body: Buffer.from(await response.arrayBuffer()) });
      }
      expect(answers[1]).toEqual(answers[0]);
    },
  );
});

describe("predictions with intervals", () => {
  test("the metadata list the intervals as an output", async () => {
    const response = await appUnderTest({ model }).request("/v2/models/housing");
    expect(Object(await response.json()).outputs).toEqual([
      { name: "MedHouseVal", datatype: "FP32", shape: [-1, 1] },
      { name: "interval", datatype: "FP32", shape: [-1, 2] },
    ]);
  });

  test.each([1, 3, 3000])(
    "the outputs of %i rows have the numbers of /bulk_predict, in the requested order and encodings",
    async (count) => {
      const rows = rowsOf(count);
      const { predictions, ends } = await bulk(rows, 0.8);
      const app = appUnderTest({ model });
      const expected = {
        MedHouseVal: { shape: [count, 1], data: predictions },
        interval: { shape: [count, 2], data: ends },
      };
      const level = 0.8;
      for (const binary of [false, true]) {
        for (const other of [false, true]) {
          const first = interval({ level, binary_data: binary });
          const second = prediction({ binary_data: other });
          for (const outputs of [[first], [first, second], [second, first]]) {
            const found = await infer(app, { outputs, ...inputsOf(rows) });
            expect(found.outputs).toEqual(
              outputs.map(({ name }) => ({
                name,
                datatype: "FP32",
                ...(name === "interval" ? expected.interval : expected.MedHouseVal),
              })),
            );
            expect(found.unreadBytes).toBe(0);
            expect(found.isBinary).toBe(binary || (outputs.length > 1 && other));
          }
        }
      }
    },
  );

  test("a binary request gets binary intervals", async () => {
    const { ends } = await bulk([house], 0.9);
    const [input] = inputs.inputs;
    const { body, headers } = binaryRequest(
      {
        parameters: { binary_data_output: true },
        outputs: [interval()],
        inputs: [{ ...input, data: undefined, parameters: { binary_data_size: 32 } }],
      },
      floats(...Object.values(house)),
    );
    const found = await infer(appUnderTest({ model }), body, headers);
    expect(found.isBinary).toBe(true);
    expect(found.outputs).toEqual([
      { name: "interval", datatype: "FP32", shape: [1, 2], data: ends },
    ]);
  });

  test.each<[level: number, parts: object]>([
    [0.9, { outputs: [interval()] }],
    [0.9, { parameters: { level: null }, outputs: [interval({ level: null })] }],
    [0.8, { outputs: [interval({ level: 0.8 })] }],
    [0.8, { parameters: { level: 0.8 }, outputs: [interval()] }],
    [0.8, { parameters: { level: 0.5 }, outputs: [interval({ level: 0.8 })] }],
    [0.8, { parameters: { level: "x" }, outputs: [interval({ level: 0.8 })] }],
    [0.5, { parameters: { level: 0.5 }, outputs: [prediction({ level: 0.8 }), interval()] }],
  ])("the level is %d with %j", async (level, parts) => {
    const { outputs } = await infer(appUnderTest({ model }), { ...parts, ...inputs });
    const found = outputs.find(({ name }) => name === "interval");
    expect(found?.data).toEqual((await bulk([house], level)).ends);
  });

  test("an empty batch gets empty outputs", async () => {
    for (const binary_data of [false, true]) {
      const outputs = [interval({ binary_data }), prediction({ binary_data })];
      const found = await infer(appUnderTest({ model }), { outputs, ...inputsOf([]) });
      expect(found.outputs).toMatchObject([
        { name: "interval", shape: [0, 2], data: [] },
        { name: "MedHouseVal", shape: [0, 1], data: [] },
      ]);
    }
  });

  test("the predictions are counted for drift as if no intervals were asked for", async () => {
    const countsWith = async (outputs: readonly object[]) => {
      const drift = new DriftWindow(houseCard, { outputs: 1 }, { records: 100 });
      await infer(appUnderTest({ model, drift }), { outputs, ...inputsOf(rowsOf(5)) });
      return drift.counts();
    };
    const counts = await countsWith([prediction()]);
    expect(counts.records).toBe(5);
    expect(await countsWith([interval()])).toEqual(counts);
  });
});

describe("cached intervals", () => {
  async function openApp() {
    const app = appUnderTest({ model, cache: (await openCache()).readThrough });
    return async (parts: object) =>
      (await infer(app, { ...parts, ...inputs })).headers.get("x-cache");
  }

  test("intervals are cached apart from predictions, and each level apart from others", async () => {
    const ask = await openApp();
    for (const parts of [
      {},
      { outputs: [interval({ level: 0.8 })] },
      { outputs: [interval({ level: 0.9 })] },
    ]) {
      expect([await ask(parts), await ask(parts)], JSON.stringify(parts)).toEqual(["MISS", "HIT"]);
    }
  });

  test("the id, the encoding, the other outputs and the place of the level make no difference", async () => {
    const ask = await openApp();
    expect(await ask({ outputs: [interval({ level: 0.8 })] })).toBe("MISS");
    for (const parts of [
      { id: "x", outputs: [interval({ level: 0.8 })] },
      { outputs: [interval({ level: 0.8, binary_data: true })] },
      { outputs: [interval({ level: 0.8 }), prediction()] },
      { outputs: [prediction({ binary_data: true }), interval({ level: 0.8 })] },
      { parameters: { level: 0.8 }, outputs: [interval()] },
    ]) {
      expect(await ask(parts), JSON.stringify(parts)).toBe("HIT");
    }
    // Levels are rounded up to those of the card.
    expect(await ask({ outputs: [interval({ level: 0.795 })] })).toBe("HIT");
  });

  test("a hit has the numbers, the id and the encoding that its request asks for", async () => {
    const app = appUnderTest({ model, cache: (await openCache()).readThrough });
    const { predictions, ends } = await bulk([house], 0.9);
    for (const id of ["a", "b", undefined]) {
      for (const binary_data of [false, true]) {
        const outputs = [interval({ binary_data }), prediction()];
        for (const cache of ["first", "again"]) {
          const found = await infer(app, { id, outputs, ...inputs });
          expect({ cache, id: found.id, isBinary: found.isBinary }).toEqual({
            cache,
            id,
            isBinary: binary_data,
          });
          expect(found.outputs.map(({ data }) => data)).toEqual([ends, predictions]);
        }
      }
    }
  });
});

redisTest("intervals that Redis has are those that were computed", async () => {
  const redis = await RedisServer.start();
  const { readThrough: cache } = await openCache({ redisUrl: redis.url, memoryBytes: 0 });
  const app = appUnderTest({ model, cache });
  const rows = rowsOf(3);
  const { predictions, ends } = await bulk(rows, 0.8);
  const outputs = [interval({ level: 0.8, binary_data: true }), prediction()];
  const ask = () => infer(app, { outputs, ...inputsOf(rows) });
  // The first requests may be sent before Redis is connected.
  await vi.waitUntil(async () => (await ask()).headers.get("x-cache") === "HIT", waitOptions);
  expect((await ask()).outputs.map(({ data }) => data)).toEqual([ends, predictions]);
});

test("intervals follow a new version of the card, also in the cache", async () => {
  const cache = (await openCache()).readThrough;
  const { app, models, folder } = await protocolApp(undefined, { cache });
  const cardPath = join(folder, "housing.json");
  const { interval: usual, ...card } = houseCard;
  if (usual === undefined) throw new Error("the committed card has no intervals");
  const body = { outputs: [interval({ level: 0.9 }), prediction()], ...inputs };
  const ask = async () => {
    const { headers, outputs } = await infer(app, body);
    const [low = 0, high = 0, value = 0] = outputs.flatMap(({ data }) => data.map(Number));
    return { cache: headers.get("x-cache"), below: value - low, above: high - value };
  };
  const reload = async (changed: object) => {
    writeFileSync(cardPath, JSON.stringify(changed));
    await models.load("housing");
  };

  const first = await ask();
  expect(first.cache).toBe("MISS");
  expect((await ask()).cache).toBe("HIT");
  const minimumError = 100;
  await reload({ ...card, interval: { ...usual, minimumError } });
  const second = await ask();
  expect(second.cache).toBe("MISS");
  const reach = minimumError * (usual.factors["0.9"] ?? 0);
  expect(reach).toBeGreaterThan(2 * first.above);
  expect(second.below).toBeCloseTo(reach, 4);
  expect(second.above).toBeCloseTo(reach, 4);

  await reload(card);
  expect((await errorOf(app, body)).error).toContain("since the model has no intervals");
});

test("the OpenAPI document describes the output with intervals and its level", async () => {
  const document = Object(await (await appUnderTest({ model }).request("/openapi.json")).json());
  const { InferenceRequest } = document.components.schemas;
  const level = { type: "number", description: expect.stringContaining("interval") };
  expect(InferenceRequest.properties.parameters.anyOf[0].properties).toMatchObject({ level });
  const [outputs] = InferenceRequest.properties.outputs.anyOf;
  expect(outputs.items.properties.parameters.anyOf[0].properties).toMatchObject({ level });
  expect(outputs.items.properties.parameters.anyOf[0].required ?? []).not.toContain("level");
  const { description } = document.paths["/v2/models/{name}/infer"].post;
  expect(description).toContain("`interval`");
});
