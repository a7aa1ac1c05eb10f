import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, describe, expect, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import type { CacheOptions } from "../src/cache/create-cache.ts";
import { CacheError } from "../src/cache/prediction-cache.ts";
import { RedisTrial } from "../src/cache/redis-trial.ts";
import { post, silentLogger } from "./app-under-test.ts";
import { type Service, serviceWith } from "./cache-under-test.ts";
import { house } from "./house-model.ts";
import { RedisServer, redisTest } from "./redis-server.ts";
import { startService } from "./service-process.ts";

const cheap = "single predictions are not cached in Redis";
const expensive = "single predictions are cached in Redis";

/** A service with both tiers, which decides whether to use Redis. */
const serviceThatDecides = (redis: RedisServer, options: Partial<CacheOptions> = {}) =>
  serviceWith({ redisUrl: redis.url, redisPredict: "auto", memoryBytes: 1_000_000, ...options });

const decided = ({ events }: Service, decision: string) =>
  vi.waitUntil(() => events.includes(decision), waitOptions);

/** A prediction that takes far longer than a local Redis. */
const slowPrediction = () => delay(20);

/** How often Redis executed GET and SET since the last reset. */
async function lookups(redis: RedisServer): Promise<number> {
  const stats = String(await redis.command("INFO", "commandstats"));
  const calls = Array.from(stats.matchAll(/^cmdstat_(?:get|set):calls=(\d+)/gm), ([, n]) => n);
  return calls.reduce((sum, count) => sum + Number(count), 0);
}

async function bulkPredict({ app }: Service) {
  const response = await post(app, "/bulk_predict", { houses: [house] });
  return response.headers.get("cache-status")?.replace("prediction-service; ", "");
}

describe("CACHE_REDIS_PREDICT=auto", () => {
  redisTest("/predict sends Redis nothing if the model is cheap", async () => {
    const redis = await RedisServer.start();
    const service = await serviceThatDecides(redis);
    await decided(service, cheap);
    await redis.command("CONFIG", "RESETSTAT");
    expect(await service.cacheStatus(1)).toBe("fwd=miss; stored");
    expect(await service.cacheStatus(1)).toBe("hit; detail=memory");
    expect(await service.cacheStatus(1, { "cache-control": "no-cache" })).toBe(
      "fwd=request; stored",
    );
    expect(await service.cacheStatus(1, { "cache-control": "no-store" })).toBe("fwd=bypass");
    expect(await lookups(redis)).toBe(0);
    expect(await redis.keys()).toEqual([]);
  });

  redisTest("/bulk_predict uses Redis even if the model is cheap", async () => {
    const redis = await RedisServer.start();
    const [one, other] = [await serviceThatDecides(redis), await serviceThatDecides(redis)];
    await Promise.all([decided(one, cheap), decided(other, cheap)]);
    expect(await bulkPredict(one)).toBe("fwd=miss; stored");
    await vi.waitUntil(async () => (await redis.keys()).length === 1, waitOptions);
    expect(await bulkPredict(other)).toBe("hit; detail=redis");
  });

  redisTest("each pod computes a cheap prediction itself", async () => {
    const redis = await RedisServer.start();
    const pods = [await serviceThatDecides(redis), await serviceThatDecides(redis)];
    await Promise.all(pods.map((pod) => decided(pod, cheap)));
    expect(await Promise.all(pods.map((pod) => pod.predict(1)))).toEqual(["MISS", "MISS"]);
    expect(await Promise.all(pods.map((pod) => pod.predict(1)))).toEqual(["HIT", "HIT"]);
  });

  redisTest("/predict uses Redis if the model is expensive", async () => {
    const redis = await RedisServer.start();
    const options = { predictOne: slowPrediction };
    const one = await serviceThatDecides(redis, options);
    const other = await serviceThatDecides(redis, options);
    await Promise.all([decided(one, expensive), decided(other, expensive)]);
    expect(await one.cacheStatus(1)).toBe("fwd=miss; stored");
    await vi.waitUntil(async () => (await redis.keys()).length === 1, waitOptions);
    expect(await other.cacheStatus(1)).toBe("hit; detail=redis");
  });

  redisTest("/predict uses Redis if there is no memory to use instead", async () => {
    const redis = await RedisServer.start();
    const service = await serviceThatDecides(redis, { memoryBytes: 0 });
    await service.hits();
    expect(await service.cacheStatus(1)).toBe("hit; detail=redis");
    expect(service.events).toEqual(["cache connected"]);
  });

  redisTest("whether /predict uses Redis is decided when Redis first responds", async () => {
    const redis = await RedisServer.absent();
    const service = await serviceThatDecides(redis);
    expect(await service.predict(1)).toBe("BYPASS");
    await vi.waitUntil(() => service.events.includes("cache degraded"), waitOptions);
    await redis.start();
    await decided(service, cheap);
    expect(service.events).toEqual(["cache degraded", "cache recovered", cheap]);
    expect(await service.predict(2)).toBe("MISS");
    expect(await redis.keys()).toEqual([]);
  });

  redisTest(
    "the decision whether /predict uses Redis does not change while Redis is down or afterwards",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceThatDecides(redis);
      await decided(service, cheap);
      await redis.kill();
      await vi.waitUntil(() => service.events.includes("cache degraded"), waitOptions);
      expect(await service.predict(1)).toBe("MISS");
      expect(await service.predict(1)).toBe("HIT");
      await redis.start();
      await vi.waitUntil(() => service.events.includes("cache recovered"), waitOptions);
      expect(await service.predict(2)).toBe("MISS");
      expect(service.events.filter((event) => event === cheap)).toHaveLength(1);
      expect(await redis.keys()).toEqual([]);
    },
  );

  redisTest("the log says whether /predict uses Redis, with both durations", async () => {
    const redis = await RedisServer.start();
    // A trial in which Redis is too slow decides nothing.
    const service = startService({ REDIS_URL: redis.url, CACHE_TIMEOUT_MS: "60000" });
    await service.port();
    const decisions = [cheap, expensive];
    const { predictionMs, redisMs } = await vi.waitUntil(
      () => service.log.find(({ msg }) => decisions.includes(msg)),
      waitOptions,
    );
    expect(predictionMs).toBeGreaterThan(0);
    expect(redisMs).toBeGreaterThan(0);
  });
});

describe("CACHE_REDIS_PREDICT=always and never", () => {
  redisTest(
    "/predict uses Redis with CACHE_REDIS_PREDICT=always, even if the model is cheap",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceThatDecides(redis, { redisPredict: "always" });
      await service.connected();
      expect(await service.predict(1)).toBe("MISS");
      await vi.waitUntil(async () => (await redis.keys()).length === 1, waitOptions);
      expect(service.events).toEqual(["cache connected"]);
    },
  );

  redisTest(
    "/predict does not use Redis with CACHE_REDIS_PREDICT=never, even if the model is expensive",
    async () => {
      const redis = await RedisServer.start();
      const options = { redisPredict: "never", predictOne: slowPrediction } as const;
      const service = await serviceThatDecides(redis, options);
      await service.connected();
      expect(await service.predict(1)).toBe("MISS");
      expect(await service.predict(1)).toBe("HIT");
      expect(await lookups(redis)).toBe(0);
      expect(await bulkPredict(service)).toBe("fwd=miss; stored");
      await vi.waitUntil(async () => (await redis.keys()).length === 1, waitOptions);
      expect(service.events).toEqual(["cache connected"]);
    },
  );

  redisTest(
    "/predict is not cached with CACHE_REDIS_PREDICT=never and without memory",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceThatDecides(redis, { redisPredict: "never", memoryBytes: 0 });
      await service.connected();
      expect(await service.cacheStatus(1)).toBe("fwd=bypass");
      expect(await lookups(redis)).toBe(0);
    },
  );
});

describe("the trial", () => {
  afterEach(() => void vi.useRealTimers());

  /** Runs a trial with durations instead of a model and a Redis. */
  async function trialOf(predictionsMs: readonly number[], redisMs: number) {
    vi.useFakeTimers();
    const log: Record<string, unknown>[] = [];
    const counts = { predictions: 0, lookups: 0 };
    const trial = new RedisTrial({
      engineChosen: Promise.resolve(),
      async predictOne() {
        vi.advanceTimersByTime(predictionsMs[counts.predictions++ % predictionsMs.length] ?? 0);
      },
      async askRedis() {
        counts.lookups++;
        vi.advanceTimersByTime(redisMs);
      },
      logger: pino({}, { write: (line: string) => void log.push(JSON.parse(line)) }),
    });
    expect(trial.pays).toBe(true);
    await trial.run();
    return { trial, log, counts };
  }

  test.each<[predictionMs: number, redisMs: number, pays: boolean]>([
    [3, 1, true],
    [2, 1, false],
    [1, 1, false],
    [0, 0, false],
    [1, 100, false],
  ])(
    "caching a prediction of %d ms in Redis, which replies after %d ms, pays: %s",
    async (one, redisMs, pays) => {
      const { trial, log } = await trialOf([one], redisMs);
      expect(trial.pays).toBe(pays);
      const msg = pays ? expensive : cheap;
      expect(log).toMatchObject([{ level: 30, predictionMs: one, redisMs, msg }]);
    },
  );

  test("a few slow predictions do not change whether /predict uses Redis", async () => {
    const { trial, log } = await trialOf([1, 1, 50], 1);
    expect(trial.pays).toBe(false);
    expect(log).toMatchObject([{ predictionMs: 1 }]);
  });

  test.each<[what: string, predictionMs: number, rounds: number]>([
    ["fast", 1, 50],
    ["slow", 199, 3],
    ["very slow", 5_000, 1],
  ])("a trial with a %s model has a limited number of rounds", async (_, predictionMs, rounds) => {
    const { counts } = await trialOf([predictionMs], 1);
    expect(counts).toEqual({ predictions: rounds, lookups: rounds });
  });

  test("Redis and the model are compared only when the model has its final engine", async () => {
    const chosen = Promise.withResolvers<void>();
    let predictions = 0;
    const trial = new RedisTrial({
      engineChosen: chosen.promise,
      predictOne: async () => void predictions++,
      askRedis: () => delay(1),
      logger: silentLogger,
    });
    const done = trial.run();
    await delay(20);
    expect(predictions).toBe(0);
    chosen.resolve();
    await done;
    expect(predictions).toBeGreaterThan(0);
    expect(trial.pays).toBe(false);
  });

  test("Redis and the model are compared once", async () => {
    const { trial, counts } = await trialOf([1], 1);
    await trial.run();
    expect(counts.lookups).toBe(50);
  });

  test.each<[what: string, error: Error, logged: string[]]>([
    ["Redis", new CacheError("timeout"), []],
    ["the model", new Error("bug"), ["the speed of Redis and the model could not be compared"]],
  ])(
    "if %s fails in a trial, the next trial decides whether /predict uses Redis",
    async (_, error, logged) => {
      const log: string[] = [];
      const results = [Promise.reject(error), ...Array.from({ length: 50 }, () => delay(5))];
      const trial = new RedisTrial({
        engineChosen: Promise.resolve(),
        predictOne: async () => {},
        askRedis: async () => results.shift(),
        logger: pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) }),
      });
      await trial.run();
      expect(trial.pays).toBe(true);
      expect(log).toEqual(logged);
      await trial.run();
      expect(trial.pays).toBe(false);
      expect(log).toEqual([...logged, cheap]);
    },
  );
});
