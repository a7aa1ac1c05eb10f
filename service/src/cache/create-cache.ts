import type { Logger } from "pino";
import { MemoryCache, memoryStore } from "./memory.ts";
import { ReadThrough } from "./read-through.ts";
import type { CacheRecorder } from "./recorder.ts";
import type { RedisCache } from "./redis.ts";
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
  /** Predicts one record, to measure how long this takes. */
  readonly predictOne: () => Promise<unknown>;
  readonly recorder: CacheRecorder;
  readonly logger: Logger;
}

/** The cache, and a function that closes its connection. */
export interface Cache {
  readonly readThrough: ReadThrough;
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

/** Creates the cache. Does not wait until Redis is connected. */
export async function createCache(options: CacheOptions): Promise<Cache> {
  const { redisUrl: url, redisTimeoutMs: timeoutMs, memoryBytes } = options;
  const memory =
    memoryBytes === 0 ? undefined : new MemoryCache({ ...options, maxBytes: memoryBytes });
  const local = memory && memoryStore(memory);
  if (url === undefined) {
    const readThrough = new ReadThrough({ ...options, memory, storeFor: () => local });
    return { readThrough, close: async () => {} };
  }
  const { RedisCache } = await import("./redis.ts");
  const redis = new RedisCache({ ...options, url, timeoutMs });
  const usesRedisForOne = useForOne(redis, options);
  return {
    readThrough: new ReadThrough({
      ...options,
      memory,
      storeFor: (shape) => (shape === "many" || usesRedisForOne() ? redis : local),
    }),
    close: () => redis.close(),
  };
}
