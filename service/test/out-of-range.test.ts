import { readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { waitOptions } from "../../test/wait-options.ts";
import type { CacheOptions } from "../src/cache/create-cache.ts";
import { ModelCard } from "../src/model/card.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { TrainingRange } from "../src/model/training-range.ts";
import { DriftWindow } from "../src/telemetry/drift.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { openCache } from "./cache-under-test.ts";
import { house, houseCard, modelPath } from "./house-model.ts";
import { modelFiles } from "./model-under-test.ts";
import { RedisServer, redisTest } from "./redis-server.ts";

type App = ReturnType<typeof appUnderTest>;

const header = "x-out-of-range";
const tooFarNorth = { ...house, Latitude: 64, MedInc: 20 };

const appWithCache = async (options?: Partial<CacheOptions>): Promise<App> =>
  appUnderTest({ cache: (await openCache(options)).readThrough });

async function sentTo(app: App, path: string, body: unknown) {
  const { status, headers } = await post(app, path, body);
  return { status, cache: headers.get("x-cache"), outOfRange: headers.get(header) };
}

const requests = [
  { path: "/predict", body: tooFarNorth },
  { path: "/bulk_predict", body: { houses: [house, { ...house, Latitude: 64 }, tooFarNorth] } },
  { path: "/explain", body: tooFarNorth },
  {
    path: "/bulk_explain",
    body: {
      houses: [
        { ...house, MedInc: 20 },
        { ...house, Latitude: 64 },
      ],
    },
  },
];
const outOfRange = "MedInc, Latitude";

test.each(requests)(
  "X-Out-Of-Range of a miss and of a hit of $path lists the features in the card's order",
  async ({ path, body }) => {
    const app = await appWithCache();
    expect(await sentTo(app, path, body)).toEqual({ status: 200, cache: "MISS", outOfRange });
    expect(await sentTo(app, path, body)).toEqual({ status: 200, cache: "HIT", outOfRange });
  },
);

redisTest("a hit in Redis has the header X-Out-Of-Range", async () => {
  const redis = await RedisServer.start();
  const app = await appWithCache({ redisUrl: redis.url, memoryBytes: 0 });
  for (const { path, body } of requests) {
    // The first requests may be sent before Redis is connected.
    await vi.waitUntil(async () => (await sentTo(app, path, body)).cache === "HIT", waitOptions);
    expect(await sentTo(app, path, body)).toEqual({ status: 200, cache: "HIT", outOfRange });
  }
});

test("after a change of the range in the card, hits in memory have a new X-Out-Of-Range", async () => {
  const cache = (await openCache()).readThrough;
  const onnx = readFileSync(modelPath);
  const wider = houseCard.features.map((feature) => ({ ...feature, maximum: 1e6 }));
  const paths = [modelPath, modelFiles(onnx, { ...houseCard, features: wider })];
  const headers: unknown[] = [];
  for (const path of paths) {
    const model = await loadModel(path, 10);
    onTestFinished(() => model.release());
    const app = appUnderTest({ cache, model });
    headers.push((await sentTo(app, "/predict", tooFarNorth)).outOfRange);
    headers.push((await sentTo(app, "/bulk_predict", { houses: [tooFarNorth] })).outOfRange);
  }
  expect(headers).toEqual([outOfRange, outOfRange, null, null]);
});

test("a list with different white space has the same X-Out-Of-Range", async () => {
  const app = await appWithCache();
  const body = JSON.stringify({ houses: [tooFarNorth] });
  await sentTo(app, "/bulk_predict", body);
  const expected = { status: 200, cache: "HIT", outOfRange };
  expect(await sentTo(app, "/bulk_predict", ` ${body}`)).toEqual(expected);
});

test.each(["/predict", "/explain"])(
  "a record within the range has no X-Out-Of-Range at %s",
  async (path) => {
    const app = await appWithCache();
    const without = { status: 200, outOfRange: null };
    expect(await sentTo(app, path, house)).toEqual({ ...without, cache: "MISS" });
    expect(await sentTo(app, path, house)).toEqual({ ...without, cache: "HIT" });
  },
);

test("an empty list and an invalid record have no X-Out-Of-Range", async () => {
  const app = await appWithCache();
  expect(await sentTo(app, "/bulk_predict", { houses: [] })).toMatchObject({ outOfRange: null });
  const { status, outOfRange } = await sentTo(app, "/predict", { ...tooFarNorth, HouseAge: "x" });
  expect({ status, outOfRange }).toEqual({ status: 422, outOfRange: null });
});

test("responses to inference requests have X-Out-Of-Range", async () => {
  const app = await appWithCache();
  const data = Object.values(tooFarNorth);
  const body = { inputs: [{ name: "houses", datatype: "FP32", shape: [1, 8], data }] };
  const path = "/v2/models/housing/infer";
  expect(await sentTo(app, path, body)).toEqual({ status: 200, cache: "MISS", outOfRange });
  expect(await sentTo(app, path, body)).toEqual({ status: 200, cache: "HIT", outOfRange });
});

function rangeOf(...features: object[]): TrainingRange {
  const card = ModelCard.parse({ name: "m", version: "0".repeat(64), features });
  return new TrainingRange(card.features);
}

test("the training range includes its ends, rounded to float32", () => {
  const range = rangeOf({ name: "x", minimum: 0.1, maximum: 0.7, example: 0.5 });
  expect(range.outside(Float32Array.of(0.1, 0.7))).toBeUndefined();
  expect(range.outside(Float32Array.of(0.09999))).toBe("x");
  expect(range.outside(Float32Array.of(0.70001))).toBe("x");
});

test("a feature without a range, a category and a boolean are never out of range", () => {
  const range = rangeOf(
    { name: "x", example: 1 },
    { name: "above", minimum: 3, example: 4 },
    { name: "color", type: "category", categories: ["red", "blue"], example: "red" },
    { name: "flag", type: "boolean", example: true },
  );
  expect(range.outside(Float32Array.of(1e30, 1e30, 1, 1))).toBeUndefined();
  expect(range.outside(Float32Array.of(-1e30, 2, 0, 0))).toBe("above");
});

test("the names of features out of range are percent-encoded", () => {
  const range = rangeOf({ name: "area, m²\n", minimum: 0, maximum: 1, example: 1 });
  expect(range.outside(Float32Array.of(2))).toBe("area%2C%20m%C2%B2%0A");
});

test("a long list of features out of range ends with ...", () => {
  const names = Array.from({ length: 300 }, (_, index) => `feature ${index}`);
  const range = rangeOf(...names.map((name) => ({ name, maximum: 0, example: 0 })));
  const list = range.outside(new Float32Array(300).fill(1)) ?? "";
  expect(list.length).toBeLessThan(1010);
  expect(list).toMatch(/^feature%200, feature%201, .+, feature%20\d+, \.\.\.$/);
});

test("a record is out of range if and only if drift counts it as outside", () => {
  const range = new TrainingRange(houseCard.features);
  const ends = houseCard.features.flatMap((feature) =>
    feature.type === "number" ? [feature.minimum ?? 0, feature.maximum ?? 0] : [],
  );
  const cell = fc.oneof(fc.constantFrom(...ends), fc.float({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 8, maxLength: 8 }), (cells) => {
      const row = Float32Array.from(cells);
      const window = new DriftWindow(houseCard, { outputs: 1 }, { records: 1 });
      window.count(row, Float32Array.of(0));
      expect(range.outside(row) !== undefined).toBe(window.counts().outside === 1);
    }),
  );
});
