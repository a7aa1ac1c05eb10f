import { pino } from "pino";
import { expect, onTestFinished, vi } from "vitest";
import { type CacheOptions, createCache } from "../src/cache/create-cache.ts";
import { type CacheRecorder, unrecorded } from "../src/cache/recorder.ts";
import { RedisCache } from "../src/cache/redis.ts";
import { appUnderTest, firstFeatureEngine, post } from "./app-under-test.ts";
import { house } from "./house-model.ts";

export const modelVersion = "0".repeat(64);
export const timeoutMs = 200;

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
  const connected = () => vi.waitUntil(() => events.includes("cache connected"), 10_000);
  return { lines, events, logger, connected };
}

/**
 * Returns the service with its own cache, by default without the in-process tier, and with single
 * predictions in Redis.
 */
export async function serviceWith(options: Partial<CacheOptions> = {}) {
  const { lines, events, logger, connected } = eventLog();
  const engine = firstFeatureEngine();
  const cache = await createCache({
    redisUrl: undefined,
    redisTimeoutMs: timeoutMs,
    redisPredict: "always",
    predictOne: () => engine.predict(new Float32Array(8)),
    ttlSeconds: 60,
    memoryBytes: 0,
    recorder: unrecorded,
    logger,
    ...options,
  });
  onTestFinished(() => cache.close());
  const app = appUnderTest({ engine, cache: cache.readThrough });

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
    lines,
    events,
    predict,
    /** @returns `Cache-Status`, without the name of the cache */
    cacheStatus: async (MedInc: number, headers = {}) =>
      (await ask(MedInc, headers)).get("cache-status")?.replace("prediction-service; ", ""),
    inferences: () => engine.batches.length,
    connected,
    /** Waits until a house is a hit. */
    hits: (MedInc = 1) => vi.waitUntil(async () => (await predict(MedInc)) === "HIT", 10_000),
    bypasses: (MedInc = 1) =>
      vi.waitUntil(async () => (await predict(MedInc)) === "BYPASS", 10_000),
  };
}

export type Service = Awaited<ReturnType<typeof serviceWith>>;

/** Creates a `RedisCache`, and what it reports to its recorder and its log. */
export function redisCache(url: string) {
  const recorded: string[] = [];
  const durations: number[] = [];
  const recorder: CacheRecorder = {
    ...unrecorded,
    failed: (operation, reason) => void recorded.push(`${operation} ${reason}`),
    replied(operation, durationMs) {
      recorded.push(`${operation} replied`);
      durations.push(durationMs);
    },
  };
  const { events, logger, connected } = eventLog();
  const cache = new RedisCache({ url, timeoutMs, ttlSeconds: 60, recorder, logger });
  onTestFinished(() => cache.close());
  const both = () => Promise.allSettled([cache.get("key"), cache.set("key", "body")]);
  return { cache, recorded, durations, events, connected, both };
}
