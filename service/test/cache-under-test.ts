import { pino } from "pino";
import { expect, onTestFinished, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { type CacheOptions, createCache } from "../src/cache/create-cache.ts";
import { RedisCache } from "../src/cache/redis.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { appUnderTest, firstFeatureEngine, post, silentLogger } from "./app-under-test.ts";
import { house } from "./house-model.ts";
import { valuesOf } from "./metric-values.ts";

export const modelVersion = "0".repeat(64);
/** How long a cache waits for Redis by default, since a busy machine may stop Redis for seconds. */
const patientTimeoutMs = 30_000;
/** For tests in which Redis does not reply. */
export const timeoutMs = 200;

/** Creates a cache, by default in memory, which is closed when the test ends. */
export async function openCache(options: Partial<CacheOptions> = {}) {
  const cache = await createCache({
    redisUrl: undefined,
    redisTimeoutMs: patientTimeoutMs,
    redisPredict: "always",
    engineChosen: Promise.resolve(),
    predictOne: async () => {},
    ttlSeconds: 60,
    memoryBytes: 1_000_000,
    metrics: new Metrics(),
    logger: silentLogger,
    ...options,
  });
  onTestFinished(() => cache.close());
  return cache;
}

/** Creates a logger, and returns it with the lines it has logged and their messages. */
function eventLog() {
  const lines: Record<string, unknown>[] = [];
  const events: string[] = [];
  const logger = pino(
    {},
    {
      write(text: string) {
        const line = JSON.parse(text);
        lines.push(line);
        events.push(line.msg);
      },
    },
  );
  const connected = () => vi.waitUntil(() => events.includes("cache connected"), waitOptions);
  return { lines, events, logger, connected };
}

/**
 * Returns the service with its own cache, by default without the in-process tier, and with single
 * predictions in Redis.
 */
export async function serviceWith(options: Partial<CacheOptions> = {}) {
  const { lines, events, logger, connected } = eventLog();
  const metrics = new Metrics();
  const engine = firstFeatureEngine();
  const cache = await openCache({
    predictOne: () => engine.predict(new Float32Array(8)),
    memoryBytes: 0,
    metrics,
    logger,
    ...options,
  });
  const app = appUnderTest({
    engine,
    cache: cache.readThrough,
    cacheStatus: cache.status,
    metrics,
  });

  async function ask(MedInc: number, headers = {}) {
    const response = await post(app, "/predict", { ...house, MedInc }, headers);
    expect(await response.text()).toBe(`{"prediction":${Math.fround(MedInc)}}`);
    expect(response.status).toBe(200);
    return response.headers;
  }

  /** @returns `X-Cache` */
  async function predict(MedInc: number) {
    return (await ask(MedInc)).get("x-cache");
  }

  return {
    app,
    metrics,
    lines,
    events,
    predict,
    /** @returns `Cache-Status`, without the name of the cache */
    cacheStatus: async (MedInc: number, headers = {}) =>
      (await ask(MedInc, headers)).get("cache-status")?.replace("prediction-service; ", ""),
    inferences: () => engine.batches.length,
    connected,
    /** Waits until the connection and both circuits work again. */
    recovered: () => vi.waitUntil(() => events.at(-1) === "cache recovered", waitOptions),
    /** Waits until a house is a hit. */
    hits: (MedInc = 1) => vi.waitUntil(async () => (await predict(MedInc)) === "HIT", waitOptions),
    bypasses: (MedInc = 1) =>
      vi.waitUntil(async () => (await predict(MedInc)) === "BYPASS", waitOptions),
  };
}

export type Service = Awaited<ReturnType<typeof serviceWith>>;

/** Creates a `RedisCache`, and returns what it counts and logs. */
export function redisCache(url: string, timeoutMs = patientTimeoutMs) {
  const metrics = new Metrics();
  const duration = "prediction_redis_command_duration_seconds";
  let before: Record<string, number> = {};
  /** Counts replies and errors since the last call, such as `get replied` and `get timeout`. */
  function counted(): Record<string, number> {
    const { "count get": gets = 0, "count set": sets = 0 } = valuesOf(metrics, duration);
    const errors = valuesOf(metrics, "prediction_redis_errors_total");
    const now = { ...errors, "get replied": gets, "set replied": sets };
    const changes = Object.entries(now).map(([what, count]) => [what, count - (before[what] ?? 0)]);
    before = now;
    return Object.fromEntries(changes.filter(([, change]) => change !== 0));
  }
  const { events, logger, connected } = eventLog();
  const cache = new RedisCache({ url, timeoutMs, ttlSeconds: 60, metrics, logger });
  onTestFinished(() => cache.close());
  const both = () => Promise.allSettled([cache.get("key"), cache.set("key", "body")]);
  return { cache, counted, metrics, events, connected, both };
}
