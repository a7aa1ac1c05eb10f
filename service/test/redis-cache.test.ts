import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type CacheOptions, createCache } from "../src/cache/create-cache.ts";
import { type CacheRecorder, unrecorded } from "../src/cache/recorder.ts";
import { RedisCache } from "../src/cache/redis.ts";
import { exampleHouse as house } from "../src/houses/house.ts";
import { appUnderTest, firstFeaturePredictor, post } from "./app-under-test.ts";
import { RedisProxy, RedisServer, redisTest } from "./redis-server.ts";

const modelVersion = "0".repeat(64);
const timeoutMs = 200;
/** What a request may take without Redis, generously: the machine is small and noisy. */
const marginMs = 800;

/** A logger, and the messages it was given. */
function eventLog() {
  const events: string[] = [];
  const logger = pino({}, { write: (line: string) => void events.push(JSON.parse(line).msg) });
  const connected = () => vi.waitUntil(() => events.includes("cache connected"), 10_000);
  return { events, logger, connected };
}

/** The service with a cache of its own, and no in-process tier unless it is asked for. */
async function serviceWith(options: Partial<CacheOptions> = {}) {
  const { events, logger, connected } = eventLog();
  const predictor = firstFeaturePredictor();
  const cache = await createCache({
    modelVersion,
    redisUrl: undefined,
    redisTimeoutMs: timeoutMs,
    ttlSeconds: 60,
    memoryBytes: 0,
    recorder: unrecorded,
    logger,
    ...options,
  });
  onTestFinished(() => cache.close());
  const app = appUnderTest({ predictor, cache: cache.readThrough });

  async function predict(MedInc: number, headers = {}) {
    const response = await post(app, "/predict", { ...house, MedInc }, headers);
    expect(await response.text()).toBe(`{"prediction":${Math.fround(MedInc)}}`);
    expect(response.status).toBe(200);
    return response.headers.get("x-cache");
  }

  return {
    app,
    events,
    predict,
    inferences: () => predictor.batches.length,
    connected,
    /** Waits until a house is answered from the cache. */
    hits: (MedInc = 1) => vi.waitUntil(async () => (await predict(MedInc)) === "HIT", 10_000),
    bypasses: (MedInc = 1) =>
      vi.waitUntil(async () => (await predict(MedInc)) === "BYPASS", 10_000),
  };
}

type Service = Awaited<ReturnType<typeof serviceWith>>;

/** Requests old and new without pause, each answer checked, until stopped. */
function traffic({ predict }: Service) {
  let stopped = false;
  const seen = new Set<string | null>();
  let longestMs = 0;
  const clients = [1, 2, 3, 4].map(async (client) => {
    for (let round = 0; !stopped; round++) {
      const income = round % 2 ? client : client * 1000 + round;
      const start = performance.now();
      seen.add(await predict(income));
      longestMs = Math.max(longestMs, performance.now() - start);
      await delay(1);
    }
  });
  return {
    /** Each `X-Cache` that was seen, and how long the slowest request took. */
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return { seen, longestMs };
    },
  };
}

describe("without a usable Redis every answer is right, during", () => {
  redisTest("its absence at start, until it comes", async () => {
    const redis = await RedisServer.absent();
    const service = await serviceWith({ redisUrl: redis.url });
    expect(await service.predict(1)).toBe("BYPASS");
    expect((await service.app.request("/health")).status).toBe(200);
    const load = traffic(service);
    await redis.start();
    await service.hits();
    expect([...(await load.stop()).seen]).toEqual(expect.arrayContaining(["BYPASS", "HIT"]));
    expect(service.events).toEqual(["cache degraded", "cache recovered"]);
  });

  redisTest("its death and restart", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    await redis.kill();
    await service.bypasses();
    await redis.start();
    await service.hits();
    await load.stop();
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest("a freeze, and a thaw", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    redis.freeze();
    await service.bypasses();
    await delay(500);
    redis.thaw();
    await service.hits();
    expect((await load.stop()).longestMs).toBeLessThan(timeoutMs + marginMs);
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest("replies slower than the limit", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url });
    await service.hits();
    const load = traffic(service);
    proxy.delayMs = 1_500;
    await service.bypasses();
    await delay(500);
    proxy.delayMs = 0;
    await service.hits();
    expect((await load.stop()).longestMs).toBeLessThan(timeoutMs + marginMs);
  });

  redisTest("connections reset in the middle of a reply", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url });
    await service.hits();
    const load = traffic(service);
    proxy.resets = true;
    await service.bypasses();
    proxy.resets = false;
    await service.hits();
    await load.stop();
  });

  redisTest("connections accepted and never answered, from the start", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    proxy.silent = true;
    const service = await serviceWith({ redisUrl: proxy.url });
    const load = traffic(service);
    await vi.waitUntil(() => proxy.connections > 1, 10_000);
    expect((await load.stop()).seen).toEqual(new Set(["BYPASS"]));
    expect(service.events).toEqual(["cache degraded"]);
    proxy.silent = false;
    await service.hits();
    expect(service.events).toEqual(["cache degraded", "cache recovered"]);
  });

  redisTest("a host gone without a word, and those that follow", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url });
    await service.hits();
    const load = traffic(service);
    proxy.silent = true;
    await vi.waitUntil(() => proxy.connections > 2, 10_000);
    expect(await service.predict(1)).toBe("BYPASS");
    proxy.silent = false;
    await service.hits();
    expect((await load.stop()).longestMs).toBeLessThan(timeoutMs + marginMs);
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest("a wrong password, until it is the right one", async () => {
    const redis = await RedisServer.start();
    const wrong = redis.url.replace("//", "//:wrong@");
    const service = await serviceWith({ redisUrl: wrong });
    const load = traffic(service);
    await service.bypasses();
    await redis.command("CONFIG", "SET", "requirepass", "wrong");
    await service.hits();
    await load.stop();
    expect(service.events).toEqual(["cache degraded", "cache recovered"]);
  });

  redisTest("a failing over to a server that is read-only", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    await redis.command("CONFIG", "SET", "replica-serve-stale-data", "yes");
    await redis.command("REPLICAOF", "127.0.0.1", "1");
    await vi.waitUntil(() => service.events.includes("cache degraded"), 10_000);
    expect(await service.predict(1)).toBe("HIT");
    await redis.command("REPLICAOF", "NO", "ONE");
    await vi.waitUntil(() => service.events.includes("cache recovered"), 15_000);
    await service.hits(0.5);
    await load.stop();
  });

  redisTest("fullness: writes fail, reads serve", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const load = traffic(service);
    await vi.waitUntil(() => service.events.includes("cache degraded"), 10_000);
    expect(await service.predict(1)).toBe("HIT");
    expect(await service.predict(0.25)).toBe("MISS");
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    await vi.waitUntil(() => service.events.includes("cache recovered"), 15_000);
    await service.hits(0.25);
    expect((await load.stop()).seen.has("BYPASS")).toBe(false);
  });

  redisTest("FLUSHALL", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    for (let i = 0; i < 20; i++) {
      await redis.command("FLUSHALL");
      await delay(5);
    }
    await service.hits();
    expect((await load.stop()).seen.has("BYPASS")).toBe(false);
  });
});

describe("a value that is not the answer is never served, and is replaced", () => {
  redisTest.for<[string, (key: string, entry: string) => string[]]>([
    ["garbage", (key) => ["SET", key, "garbage"]],
    ["an empty string", (key) => ["SET", key, ""]],
    ["another's answer", (key) => ["SET", key, 'AAAAAAAAAAAAAAAA{"prediction":9}']],
    ["an altered answer", (key, entry) => ["SET", key, entry.replace(/.\}$/, "9}")]],
    ["a truncated answer", (key, entry) => ["SET", key, entry.slice(0, entry.length / 2)]],
    ["a list", (key) => ["LPUSH", key, "x"]],
    ["a hash", (key) => ["HSET", key, "field", "x"]],
  ])("%s", async ([, command]) => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const [key = ""] = await redis.keys();
    const entry = String(await redis.command("GETDEL", key));
    await redis.command(...command(key, entry));
    expect(await service.predict(1)).toBe("MISS");
    await service.hits();
    expect(service.events).toEqual(["cache connected"]);
  });

  redisTest("the answer to another key", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits(1);
    const [one = ""] = await redis.keys();
    await service.hits(2);
    const two = (await redis.keys()).find((key) => key !== one) ?? "";
    await redis.command("COPY", one, two, "REPLACE");
    expect(await service.predict(2)).toBe("MISS");
  });
});

/** The cache in Redis by itself, and what it tells its recorder. */
function redisCache(url: string) {
  const told: string[] = [];
  const durations: number[] = [];
  const recorder: CacheRecorder = {
    ...unrecorded,
    failed: (operation, reason) => void told.push(`${operation} ${reason}`),
    replied(operation, durationMs) {
      told.push(`${operation} replied`);
      durations.push(durationMs);
    },
  };
  const { events, logger, connected } = eventLog();
  const cache = new RedisCache({ url, timeoutMs, ttlSeconds: 60, recorder, logger });
  onTestFinished(() => cache.close());
  const both = () => Promise.allSettled([cache.get("key"), cache.set("key", "body")]);
  return { cache, told, durations, events, connected, both };
}

describe("the recorder is told of", () => {
  redisTest("a reply, and how long it took", async () => {
    const redis = await RedisServer.start();
    const { cache, told, durations, connected } = redisCache(redis.url);
    await connected();
    await cache.set("key", "body");
    expect(await cache.get("key")).toBe("body");
    expect(told).toEqual(["set replied", "get replied"]);
    for (const durationMs of durations) {
      expect(durationMs).toBeGreaterThan(0);
      expect(durationMs).toBeLessThan(timeoutMs + marginMs);
    }
  });

  redisTest("no connection", async () => {
    const { told, both } = redisCache((await RedisServer.absent()).url);
    await both();
    expect(told).toEqual(["get offline", "set offline"]);
  });

  redisTest("replies that do not come, and then calls that are not made", async () => {
    const redis = await RedisServer.start();
    const { told, both, connected } = redisCache(redis.url);
    await connected();
    redis.freeze();
    await Promise.all(Array.from({ length: 5 }, both));
    expect(new Set(told.splice(0))).toEqual(new Set(["get timeout", "set timeout"]));
    await both();
    expect(told).toEqual(["get open_circuit", "set open_circuit"]);
  });

  redisTest("a write that is refused", async () => {
    const redis = await RedisServer.start("--maxmemory", "1");
    const { told, both, connected } = redisCache(redis.url);
    await connected();
    await both();
    expect(told).toEqual(["get replied", "set refused"]);
  });

  redisTest("a key that holds another type", async () => {
    const redis = await RedisServer.start();
    const { cache, told, connected } = redisCache(redis.url);
    await connected();
    await redis.command("LPUSH", "key", "x");
    expect(await cache.get("key")).toBeUndefined();
    expect(told).toEqual(["get wrong_type"]);
  });

  redisTest("a value that is not the answer", async () => {
    const redis = await RedisServer.start();
    const { cache, told, connected } = redisCache(redis.url);
    await connected();
    await redis.command("SET", "key", "garbage");
    expect(await cache.get("key")).toBeUndefined();
    expect(told).toEqual(["get replied", "get corrupt"]);
  });
});

describe("a connection gone silent", () => {
  redisTest("is replaced once, though the probes of reads and writes fail together", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const { told, both, connected } = redisCache(proxy.url);
    await connected();
    proxy.silent = true;
    await Promise.all(Array.from({ length: 5 }, both));
    await delay(150);
    proxy.silent = false;
    told.length = 0;
    await both();
    expect(told[0]).toBe("get timeout");
    expect(told).not.toContain("set open_circuit");
    await delay(500);
    expect(proxy.connections).toBe(2);
  });

  redisTest("is replaced while it is idle, before a request waits for it", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const { cache, told, events, connected } = redisCache(proxy.url);
    await connected();
    proxy.silent = true;
    await vi.waitUntil(() => events.includes("cache degraded"), 10_000);
    proxy.silent = false;
    await vi.waitUntil(() => events.includes("cache recovered"), 10_000);
    expect(await cache.get("key")).toBeUndefined();
    expect(told).toEqual(["get replied"]);
  });

  redisTest("is left alone while it is answered, however idle", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const { connected, events } = redisCache(proxy.url);
    await connected();
    await delay(3_500);
    expect(proxy.connections).toBe(1);
    expect(events).toEqual(["cache connected"]);
  });
});

describe("in Redis", () => {
  redisTest("the key names the model, the endpoint and the numbers", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    expect(await redis.keys()).toEqual([
      expect.stringMatching(new RegExp(`^predictions:${modelVersion}:predict:[0-9a-f]{64}$`)),
    ]);
  });

  redisTest("an answer lives for the time to live, ±10 %", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, ttlSeconds: 1000 });
    for (let income = 1; income <= 20; income++) await service.hits(income);
    const keys = await redis.keys();
    const lives = await Promise.all(keys.map((key) => redis.command("PTTL", key)));
    for (const life of lives) {
      expect(life).toBeGreaterThan(890_000);
      expect(life).toBeLessThanOrEqual(1_100_000);
    }
    expect(new Set(lives).size).toBeGreaterThan(10);
  });

  redisTest("pods share hits", async () => {
    const redis = await RedisServer.start();
    const first = await serviceWith({ redisUrl: redis.url });
    const second = await serviceWith({ redisUrl: redis.url });
    await first.hits();
    await second.hits();
    expect(second.inferences()).toBe(0);
  });

  redisTest("an error is never stored", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
    await service.connected();
    for (let i = 0; i < 2; i++) {
      const response = await post(service.app, "/predict", { ...house, MedInc: 0 });
      expect(response.status).toBe(422);
      expect(response.headers.has("x-cache")).toBe(false);
      expect(response.headers.has("cache-status")).toBe(false);
    }
    await delay(50);
    expect(await redis.keys()).toEqual([]);
  });

  redisTest("a hit fills the in-process tier, which serves while Redis is down", async () => {
    const redis = await RedisServer.start();
    await (await serviceWith({ redisUrl: redis.url })).hits();
    const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
    await service.connected();
    await service.hits();
    await redis.kill();
    expect(await service.predict(1)).toBe("HIT");
    expect(service.inferences()).toBe(0);
  });
});

describe("REDIS_URL may have", () => {
  redisTest("a user, a password and a database", async () => {
    const redis = await RedisServer.start();
    await redis.command("ACL", "SETUSER", "ann", "on", ">p@ss", "~*", "+@all");
    const url = `redis://ann:p%40ss@127.0.0.1:${redis.port}/3`;
    await (await serviceWith({ redisUrl: url })).hits();
    expect(await redis.keys()).toEqual([]);
    expect(await redis.command("INFO", "keyspace")).toContain("db3:keys=1");
  });

  redisTest("the path of a socket", async () => {
    const redis = await RedisServer.start();
    await (await serviceWith({ redisUrl: `unix://${redis.socketPath}` })).hits();
    expect(await redis.keys()).toHaveLength(1);
  });
});

describe("200 requests at once for one key run the model once", () => {
  const ask200 = ({ predict }: Service) =>
    Promise.all(Array.from({ length: 200 }, () => predict(7)));

  test("without Redis", async () => {
    const service = await serviceWith({ memoryBytes: 1_000_000 });
    expect(new Set(await ask200(service))).toEqual(new Set(["MISS"]));
    expect(service.inferences()).toBe(1);
  });

  redisTest("with Redis", async () => {
    const service = await serviceWith({ redisUrl: (await RedisServer.start()).url });
    await service.connected();
    expect(new Set(await ask200(service))).toEqual(new Set(["MISS"]));
    expect(service.inferences()).toBe(1);
  });

  redisTest("with a frozen Redis", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.connected();
    redis.freeze();
    expect(new Set(await ask200(service))).toEqual(new Set(["BYPASS"]));
    expect(service.inferences()).toBe(1);
  });
});
