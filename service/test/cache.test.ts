import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { cachePolicy } from "../src/cache/cache-control.ts";
import type { CachedResponse } from "../src/cache/cached-response.ts";
import { CircuitBreaker } from "../src/cache/circuit-breaker.ts";
import { openEntry, sealEntry } from "../src/cache/entry.ts";
import { cacheNamespace, canonicalKey, rawKey } from "../src/cache/keys.ts";
import { MemoryCache, memoryStore } from "../src/cache/memory.ts";
import { CacheError, type PredictionCache } from "../src/cache/prediction-cache.ts";
import { ReadThrough } from "../src/cache/read-through.ts";
import { jitteredTtlMs } from "../src/cache/time-to-live.ts";
import { TrainingRange } from "../src/model/training-range.ts";
import { createRecordReader } from "../src/records/reader.ts";
import { appUnderTest, firstFeatureEngine, post, silentLogger } from "./app-under-test.ts";
import { nextTurn } from "./event-loop.ts";
import { house, houseCard } from "./house-model.ts";

const { one: readHouse } = createRecordReader(houseCard, 1);
const digestOf = (body: Buffer) => hash("sha256", body, "base64");
const keyOf = (text: string) => canonicalKey("v1:predict", readHouse(Buffer.from(text)));

describe("the canonical key", () => {
  const value = fc.float({ noNaN: true, noDefaultInfinity: true });
  const houses = fc
    .tuple(...Object.keys(house).map((name) => fc.tuple(fc.constant(name), value)))
    .map((entries) => ({
      ...Object.fromEntries(entries),
      MedInc: Math.abs(entries[0]?.[1] ?? 0) + 1,
    }));

  test("the canonical key does not depend on how numbers are written", () => {
    const notations = fc.constantFrom<(value: number) => unknown>(
      (number) => number,
      (number) => String(number),
      (number) => ` ${number} `,
      (number) => number.toExponential(),
    );
    fc.assert(
      fc.property(houses, fc.array(notations, { minLength: 8, maxLength: 8 }), (each, writings) => {
        const rewritten = Object.entries(each)
          .map(([name, number], index) => [name, writings[index]?.(number)])
          .reverse();
        const text = JSON.stringify(Object.fromEntries(rewritten), undefined, 2);
        expect(keyOf(text)).toBe(keyOf(JSON.stringify(each)));
      }),
    );
  });

  test.each([
    ["3", "3.0"],
    ["3", '"3"'],
    ["1", "true"],
    ["0", "-0.0"],
    ["0", '"-0"'],
    ["0", "-1e-50"],
    ["0.1", "0.10000000149011612"],
  ])("the canonical key is the same for %s and %s", (one, other) => {
    const text = (source: string) => JSON.stringify(house).replace("-122.23", source);
    expect(keyOf(text(one))).toBe(keyOf(text(other)));
  });

  test("different numbers, endpoints and models have different canonical keys", () => {
    fc.assert(
      fc.property(houses, fc.nat(7), value, (each, index, changed) => {
        const matrix = readHouse(Buffer.from(JSON.stringify(each)));
        fc.pre(matrix[index] !== changed);
        const key = canonicalKey("v1:predict", matrix);
        expect(canonicalKey("v1:predict", matrix.with(index, changed))).not.toBe(key);
        for (const other of [
          cacheNamespace("v1", "bulk_predict"),
          cacheNamespace("v2", "predict"),
        ]) {
          expect(canonicalKey(other, matrix)).not.toBe(key);
        }
      }),
    );
  });
});

describe("an entry", () => {
  test("an entry can be read only with its own key, and only if it is complete", () => {
    const entry = sealEntry("key", '{"prediction":1}');
    expect(openEntry("key", entry)).toBe('{"prediction":1}');
    expect(openEntry("other", entry)).toBeUndefined();
    for (let length = 0; length < entry.length; length++) {
      expect(openEntry("key", entry.slice(0, length))).toBeUndefined();
    }
  });

  test("an invalid entry cannot be read", () => {
    fc.assert(
      fc.property(fc.string(), (garbage) => {
        expect(openEntry("key", garbage)).toBeUndefined();
      }),
    );
  });
});

describe("cachePolicy", () => {
  test.each([
    [undefined, "use"],
    ["", "use"],
    ["max-age=0", "use"],
    ["no-cache", "refresh"],
    ["No-Cache", "refresh"],
    ["max-age=0, no-cache", "refresh"],
    ["no-store", "bypass"],
    ["no-cache, NO-STORE", "bypass"],
    ["max-age=0,no-store ,foo", "bypass"],
    ['ext="no-store, no-cache"', "use"],
    ['ext="a\\"b, no-store", no-cache', "refresh"],
    ["x-no-store", "use"],
    ["no-cache=field", "refresh"],
    ["foo=no-store", "use"],
  ] as const)("Cache-Control %j means %s", (header, policy) => {
    expect(cachePolicy(header)).toBe(policy);
  });
});

describe("a circuit breaker", () => {
  function circuit() {
    let time = 0;
    const breaker = new CircuitBreaker({
      failureThreshold: 3,
      minOpenMs: 100,
      maxOpenMs: 300,
      now: () => time,
    });
    function pass(ms: number) {
      time += ms;
    }
    return { breaker, pass };
  }

  function opened() {
    const { breaker, pass } = circuit();
    for (let failure = 0; failure < 3; failure++) breaker.fail("call");
    return { breaker, pass };
  }

  test("a circuit breaker opens after a number of failures in a row", () => {
    const { breaker } = circuit();
    for (const end of ["fail", "fail", "succeed", "fail", "fail"] as const) breaker[end]("call");
    expect(breaker.tryPass()).toBe("call");
    breaker.fail("call");
    expect(breaker.isClosed).toBe(false);
    expect(breaker.tryPass()).toBe(false);
  });

  test("an open circuit breaker lets one probe pass after a while, and closes if it succeeds", () => {
    const { breaker, pass } = opened();
    pass(99);
    expect(breaker.tryPass()).toBe(false);
    pass(1);
    expect(breaker.tryPass()).toBe("probe");
    expect(breaker.tryPass()).toBe(false);
    breaker.succeed("probe");
    expect(breaker.isClosed).toBe(true);
    expect(breaker.tryPass()).toBe("call");
  });

  test("a circuit breaker stays open twice as long after each failed probe, up to a limit", () => {
    const { breaker, pass } = opened();
    for (const openMs of [100, 200, 300, 300]) {
      pass(openMs - 1);
      expect(breaker.tryPass()).toBe(false);
      pass(1);
      expect(breaker.tryPass()).toBe("probe");
      breaker.fail("probe");
    }
  });

  test.each(["fail", "succeed"] as const)(
    "an open circuit breaker ignores the late result of an earlier call: %s",
    (end) => {
      const { breaker, pass } = opened();
      breaker[end]("call");
      expect(breaker.tryPass()).toBe(false);
      pass(100);
      expect(breaker.tryPass()).toBe("probe");
      breaker[end]("call");
      expect(breaker.isClosed).toBe(false);
      pass(1000);
      expect(breaker.tryPass()).toBe(false);
      breaker.fail("probe");
      pass(200);
      expect(breaker.tryPass()).toBe("probe");
    },
  );

  test("a circuit breaker is healthy while it is closed and its latest call succeeded", () => {
    const { breaker, pass } = circuit();
    const seen: boolean[] = [];
    for (const end of ["succeed", "fail", "succeed", "fail", "fail", "fail", "succeed"] as const) {
      breaker[end]("call");
      seen.push(breaker.isHealthy);
    }
    expect(seen).toEqual([true, false, true, false, false, false, false]);
    pass(100);
    breaker.tryPass();
    expect(breaker.isHealthy).toBe(false);
    breaker.succeed("probe");
    expect(breaker.isHealthy).toBe(true);
  });

  test("a circuit breaker counts failures from zero after it closes", () => {
    const { breaker, pass } = opened();
    pass(100);
    breaker.tryPass();
    breaker.fail("call");
    breaker.succeed("probe");
    breaker.fail("call");
    breaker.fail("call");
    expect(breaker.tryPass()).toBe("call");
  });
});

test("the time to live varies by ±10 %", () => {
  expect(jitteredTtlMs(100, () => 0)).toBe(90_000);
  expect(jitteredTtlMs(100, () => 0.5)).toBe(100_000);
  expect(jitteredTtlMs(100, () => 1)).toBe(110_000);
});

describe("memory", () => {
  test("the memory cache is limited in bytes, and reports its size", () => {
    const memory = new MemoryCache({ maxBytes: 20_000, ttlSeconds: 60 });
    for (let i = 0; i < 100; i++) memory.set(`key ${i}`, "x".repeat(1000), 1);
    expect(memory.bytes).toBeLessThanOrEqual(20_000);
    expect(memory.entries).toBe(8);
    expect(memory.get("key 99")).toBeDefined();
    expect(memory.get("key 0")).toBeUndefined();
  });

  test("the memory cache drops entries after their time to live", async () => {
    const [long, short] = [60, 0.02].map((ttlSeconds) => {
      const memory = new MemoryCache({ maxBytes: 10_000, ttlSeconds });
      memory.set("key", "body", 2);
      return memory;
    });
    await delay(40);
    expect(long?.get("key")).toEqual({ body: "body", outcome: "memory", records: 2 });
    expect(short?.get("key")).toBeUndefined();
  });
});

describe("read-through", () => {
  const body = Buffer.from("body");
  const range = new TrainingRange([{ name: "x", type: "number", example: 1 }]);

  function readThrough(store?: Partial<PredictionCache>, withMemory = false) {
    const memory = new MemoryCache({ maxBytes: 10_000, ttlSeconds: 60 });
    const logged: unknown[] = [];
    const logger = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) });
    const cache = new ReadThrough({
      memory: withMemory ? memory : undefined,
      storeFor: () => store && { ...memoryStore(memory), ...store },
      logger,
    });
    const ask = async (compute: () => Promise<string>, sent = body): Promise<CachedResponse> =>
      cache.answer({
        keys: { namespace: "v1:predict", bodyNamespace: "v1:predict" },
        shape: "one",
        policy: "use",
        digest: () => digestOf(sent),
        read: () => Float32Array.of(1, 2, 3, 4),
        range,
        columns: 4,
        isCheap: false,
        compute,
      });
    return { ask, logged };
  }

  test("a failed computation fails all requests in flight, and the next one computes again", async () => {
    const { ask } = readThrough({}, true);
    const failing = Promise.withResolvers<string>();
    const waiters = [ask(() => failing.promise), ask(() => failing.promise)];
    failing.reject(new Error("no memory"));
    const settled = await Promise.allSettled(waiters);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await ask(async () => "answer")).toEqual({
      body: "answer",
      outcome: "stored",
      records: 1,
    });
  });

  test("a rejected body reaches neither tier", async () => {
    const get = async () => {
      throw new Error("asked");
    };
    const memory = new MemoryCache({ maxBytes: 10_000, ttlSeconds: 60 });
    const cache = new ReadThrough({
      memory,
      storeFor: () => ({ ...memoryStore(memory), get }),
      logger: silentLogger,
    });
    const read = async () => {
      throw new RangeError("refused");
    };
    const digest = () => digestOf(body);
    const request = {
      keys: { namespace: "v1:predict", bodyNamespace: "v1:predict" },
      shape: "many",
      range,
      columns: 1,
      isCheap: false,
      policy: "use",
      digest,
      read,
    } as const;
    const asked = cache.answer({ ...request, compute: async () => "answer" });
    await expect(asked).rejects.toThrow("refused");
    expect(memory.get(rawKey("v1:predict", digestOf(body)))).toBeUndefined();
  });

  test("each response has its outcome and the number of its records", async () => {
    const { ask } = readThrough({}, true);
    const compute = async () => "answer";
    const responses = [
      ...(await Promise.all([ask(compute), ask(compute)])),
      await ask(compute),
      await ask(compute, Buffer.from("the same, written differently")),
    ];
    const outcomes = ["stored", "collapsed", "memory", "memory"];
    expect(responses).toEqual(outcomes.map((outcome) => ({ body: "answer", outcome, records: 1 })));
  });

  const answer = { body: "answer", outcome: "stored", records: 1 };
  const bypassed = { body: "answer", outcome: "bypassed", records: 1 };
  const failing = (error: Error) => () => Promise.reject(error);

  test("a read that fails bypasses the cache, and is not logged again", async () => {
    const { ask, logged } = readThrough({ get: failing(new CacheError("timeout")) });
    expect(await ask(async () => "answer")).toEqual(bypassed);
    expect(logged).toEqual([]);
  });

  test("a write that fails does not change the response, and is not logged again", async () => {
    const { ask, logged } = readThrough({ set: failing(new CacheError("refused")) });
    expect(await ask(async () => "answer")).toEqual(answer);
    expect(logged).toEqual([]);
  });

  test.each([
    ["get", bypassed],
    ["set", answer],
  ] as const)(
    "an unexpected error of %s is logged, and the request gets a prediction",
    async (name, found) => {
      const { ask, logged } = readThrough({ [name]: failing(new TypeError("bug")) });
      expect(await ask(async () => "answer")).toEqual(found);
      await nextTurn();
      const err = expect.objectContaining({ type: "TypeError", message: "bug" });
      expect(logged).toEqual([expect.objectContaining({ level: 50, err })]);
    },
  );

  test("an error of the model is not treated as a cache error", async () => {
    const { ask, logged } = readThrough({ get: failing(new CacheError("timeout")) });
    await expect(ask(failing(new TypeError("bug")))).rejects.toThrow("bug");
    expect(logged).toEqual([]);
  });
});

describe("the cache over HTTP", () => {
  function cachedApp() {
    const memory = new MemoryCache({ maxBytes: 100_000, ttlSeconds: 60 });
    const engine = firstFeatureEngine();
    const storeFor = () => memoryStore(memory);
    const deps = { memory, storeFor, logger: silentLogger };
    const cache = new ReadThrough(deps);
    const app = appUnderTest({ engine, cache });
    async function ask(headers = {}, body: unknown = house, path = "/predict") {
      const response = await post(app, path, body, headers);
      return [response.headers.get("x-cache"), response.headers.get("cache-status")];
    }
    return { app, ask, engine };
  }

  const miss = ["MISS", "prediction-service; fwd=miss; stored"];
  const hit = ["HIT", "prediction-service; hit; detail=memory"];
  const refreshed = ["MISS", "prediction-service; fwd=request; stored"];
  const bypassed = ["BYPASS", "prediction-service; fwd=bypass"];

  test("the first request is a miss and stored, the second is a hit in memory", async () => {
    const { ask } = cachedApp();
    expect(await ask()).toEqual(miss);
    expect(await ask()).toEqual(hit);
  });

  test("a request with the same numbers in another notation is a hit", async () => {
    const { ask, engine } = cachedApp();
    await ask();
    const rewritten = Object.fromEntries(
      Object.entries(house)
        .map(([name, value]) => [name, String(value)])
        .reverse(),
    );
    expect(await ask({}, rewritten)).toEqual(hit);
    expect(engine.batches).toHaveLength(1);
  });

  test("a list of houses is cached as a whole, separate from single houses", async () => {
    const { ask, engine } = cachedApp();
    await ask();
    expect(await ask({}, { houses: [house] }, "/bulk_predict")).toEqual(miss);
    expect(await ask({}, { houses: [house] }, "/bulk_predict")).toEqual(hit);
    expect(await ask({}, { houses: [house, house] }, "/bulk_predict")).toEqual(miss);
    expect(engine.batches).toHaveLength(3);
  });

  test("a request that waits for another request's prediction is collapsed", async () => {
    const { ask } = cachedApp();
    const both = await Promise.all([ask(), ask()]);
    expect(both).toEqual([miss, ["MISS", "prediction-service; fwd=miss; collapsed"]]);
  });

  test("no-cache predicts again and stores the result", async () => {
    const { ask, engine } = cachedApp();
    await ask();
    expect(await ask({ "cache-control": "no-cache" })).toEqual(refreshed);
    expect(engine.batches).toHaveLength(2);
    expect(await ask()).toEqual(hit);
  });

  test("no-store neither reads from the cache nor stores in it", async () => {
    const { ask } = cachedApp();
    expect(await ask({ "cache-control": "max-age=0, No-Store" })).toEqual(bypassed);
    expect(await ask()).toEqual(miss);
    expect(await ask({ "cache-control": "no-store" })).toEqual(bypassed);
  });

  test("a cached body with a wrong content type is rejected", async () => {
    const { app, ask } = cachedApp();
    await ask();
    const response = await post(app, "/predict", house, { "content-type": "text/plain" });
    expect(response.status).toBe(422);
    expect(response.headers.has("x-cache")).toBe(false);
  });

  test("a hit reports the durations of parsing and of the cache lookup", async () => {
    const { app, ask } = cachedApp();
    await ask();
    const { headers } = await post(app, "/predict", house);
    expect(headers.get("server-timing")).toMatch(
      /^parse;dur=\d+\.\d{3}, cache;dur=\d+\.\d{3}, inference;dur=0$/,
    );
  });

  test("nothing is cached without a store and memory", async () => {
    const response = await post(appUnderTest(), "/predict", house);
    expect(response.headers.get("cache-status")).toBe(bypassed[1]);
  });
});
