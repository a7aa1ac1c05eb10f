import type { Logger } from "pino";
import type { Metrics } from "../telemetry/metrics.ts";
import { MemoryCache, memoryStore } from "./memory.ts";
import { ReadThrough } from "./read-through.ts";
import type { RedisCache, RedisStatus } from "./redis.ts";

/** Settings of {@link createCache}. */
export interface CacheOptions {
  /** If undefined, memory is used instead of Redis. */
  readonly redisUrl: string | undefined;
  readonly redisTimeoutMs: number;
  readonly ttlSeconds: number;
  /** Size of the in-process tier; 0 turns it off. */
  readonly memoryBytes: number;
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

async function connectRedis(options: CacheOptions): Promise<RedisCache | undefined> {
  const { redisUrl: url, redisTimeoutMs: timeoutMs } = options;
  if (url === undefined) return undefined;
  const { RedisCache } = await import("./redis.ts");
  return new RedisCache({ ...options, url, timeoutMs });
}

function observeMemory(memory: MemoryCache, metrics: Metrics): void {
  metrics.observe("prediction_memory_cache_bytes", {}, () => memory.bytes);
  metrics.observe("prediction_memory_cache_limit_bytes", {}, () => memory.maxBytes);
  metrics.observe("prediction_memory_cache_entries", {}, () => memory.entries);
}

/** Creates the cache. Does not wait until Redis is connected. */
export async function createCache(options: CacheOptions): Promise<Cache> {
  const { memoryBytes } = options;
  const memory =
    memoryBytes === 0 ? undefined : new MemoryCache({ ...options, maxBytes: memoryBytes });
  if (memory) observeMemory(memory, options.metrics);
  const redis = await connectRedis(options);
  const store = redis ?? (memory && memoryStore(memory));
  return {
    readThrough: new ReadThrough({ ...options, memory, store }),
    status: () => ({ memory, redis: redis?.status }),
    close: async () => redis?.close(),
  };
}
