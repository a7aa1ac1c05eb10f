import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type CacheOptions, createCache } from "../src/cache/create-cache.ts";
import { unrecorded } from "../src/cache/recorder.ts";
import { exampleHouse as house } from "../src/houses/house.ts";
import { appUnderTest, firstFeaturePredictor, post } from "./app-under-test.ts";
import { RedisProxy, RedisServer, redisTest } from "./redis-server.ts";

const modelVersion = "0".repeat(64);

/** The service with a cache of its own, and no in-process tier unless it is asked for. */
async function serviceWith(options: Partial<CacheOptions> = {}) {
  const events: string[] = [];
  const logger = pino({}, { write: (line: string) => void events.push(JSON.parse(line).msg) });
  const predictor = firstFeaturePredictor();
  const cache = await createCache({
    modelVersion,
    redisUrl: undefined,
    redisTimeoutMs: 200,
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
    connected: () => vi.waitUntil(() => events.includes("cache connected"), 10_000),
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
  const clients = [1, 2, 3, 4].map(async (client) => {
    for (let round = 0; !stopped; round++) {
      const income = round % 2 ? client : client * 1000 + round;
      seen.add(await predict(income));
      await delay(1);
    }
  });
  return {
    /** Each `X-Cache` that was seen. */
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return seen;
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
    expect([...(await load.stop())]).toEqual(expect.arrayContaining(["BYPASS", "HIT"]));
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
    await load.stop();
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest("replies slower than the limit", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url });
    await service.hits();
    const load = traffic(service);
    proxy.delayMs = 500;
    await service.bypasses();
    proxy.delayMs = 0;
    await service.hits();
    await load.stop();
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
    expect((await load.stop()).has("BYPASS")).toBe(false);
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
    expect((await load.stop()).has("BYPASS")).toBe(false);
  });
});

describe("a value that is not the answer is never served, and is replaced", () => {
  redisTest.for([
    ["garbage", ["SET", "KEY", "garbage"]],
    ["an empty string", ["SET", "KEY", ""]],
    ["another's answer", ["SET", "KEY", 'AAAAAAAAAAAAAAAA{"prediction":9}']],
    ["a truncated answer", ["SETRANGE", "KEY", "30", "   "]],
    ["a list", ["LPUSH", "KEY", "x"]],
    ["a hash", ["HSET", "KEY", "field", "x"]],
  ] as const)("%s", async ([, command]) => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const [key = ""] = await redis.keys();
    if (["LPUSH", "HSET"].includes(command[0])) await redis.command("DEL", key);
    await redis.command(...command.map((word) => (word === "KEY" ? key : word)));
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
