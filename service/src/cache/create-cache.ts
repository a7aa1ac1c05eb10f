import type { Logger } from "pino";
import type { BodyShape } from "../records/reader.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { MemoryCache, memoryStore } from "./memory.ts";
import { ReadThrough } from "./read-through.ts";
import type { RedisCache, RedisStatus } from "./redis.ts";
import { RedisTrial } from "./redis-trial.ts";

/** Settings of {@link createCache}. */
export interface CacheOptions {
  /** If undefined, memory is used instead of Redis. */
  readonly redisUrl: string | undefined;
  readonly redisTimeoutMs: number;
  /**
   * Whether single predictions are cached in Redis, too. `auto` measures whether this pays. Without
   * memory, `auto` is the same as `always`.
   */
  readonly redisPredict: "auto" | "always" | "never";
  readonly ttlSeconds: number;
  /** Size of the in-process tier; 0 turns it off. */
  readonly memoryBytes: number;
  /** Settles when the model has its final engine. */
  readonly engineChosen: Promise<void>;
  /** Predicts one record, to measure how long this takes. */
  readonly predictOne: () => Promise<unknown>;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The state of the cache. */
export interface CacheStatus {
  /** The in-process tier; undefined if it is turned off. */
  readonly memory: Pick<MemoryCache, "bytes" | "maxBytes" | "entries"> | undefined;
  /** Undefined if there is no `REDIS_URL`. */
  readonly redis: RedisStatus | undefined;
}

/** The cache, its state, and a function that closes its connection. */
export interface Cache {
  readonly readThrough: ReadThrough;
  readonly status: () => CacheStatus;
  readonly close: () => Promise<void>;
}

/** A key that is never set. */
const unusedKey = "predictions:unused";

/** Returns whether Redis is used for single predictions at the moment. */
function useForOne(redis: RedisCache, options: CacheOptions): () => boolean {
  const { redisPredict, memoryBytes } = options;
  if (redisPredict !== "auto" || memoryBytes === 0) return () => redisPredict !== "never";
  const trial = new RedisTrial({
    ...options,
    askRedis: () => Promise.all([redis.get(unusedKey), redis.get(unusedKey)]),
  });
  redis.onReady = () => trial.run();
  return () => trial.pays;
}

function observeMemory(memory: MemoryCache, metrics: Metrics): void {
  metrics.observe("prediction_memory_cache_bytes", {}, () => memory.bytes);
  metrics.observe("prediction_memory_cache_limit_bytes", {}, () => memory.maxBytes);
  metrics.observe("prediction_memory_cache_entries", {}, () => memory.entries);
}

/** Creates the cache. Does not wait until Redis is connected. */
export async function createCache(options: CacheOptions): Promise<Cache> {
  const { redisUrl: url, redisTimeoutMs: timeoutMs, memoryBytes } = options;
  const memory =
    memoryBytes === 0 ? undefined : new MemoryCache({ ...options, maxBytes: memoryBytes });
  if (memory) observeMemory(memory, options.metrics);
  // Finds a list even if its numbers are written differently. Single records need no second lookup.
  const local = memory && memoryStore(memory);
  const localFor = (shape: BodyShape) => (shape === "many" ? local : undefined);
  if (url === undefined) {
    const readThrough = new ReadThrough({ ...options, memory, storeFor: localFor });
    return { readThrough, status: () => ({ memory, redis: undefined }), close: async () => {} };
  }
  const { RedisCache } = await import("./redis.ts");
  const redis = new RedisCache({ ...options, url, timeoutMs });
  const usesRedisForOne = useForOne(redis, options);
  return {
    readThrough: new ReadThrough({
      ...options,
      memory,
      storeFor: (shape) => (shape === "many" || usesRedisForOne() ? redis : undefined),
    }),
    status: () => ({ memory, redis: redis.status }),
    close: () => redis.close(),
  };
}
