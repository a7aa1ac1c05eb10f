import type { Logger } from "pino";
import { MemoryCache, memoryStore } from "./memory.ts";
import { ReadThrough } from "./read-through.ts";
import type { CacheRecorder } from "./recorder.ts";
import type { RedisCache } from "./redis.ts";

/** Settings of {@link createCache}. */
export interface CacheOptions {
  /** If undefined, memory is used instead of Redis. */
  readonly redisUrl: string | undefined;
  readonly redisTimeoutMs: number;
  readonly ttlSeconds: number;
  /** Size of the in-process tier; 0 turns it off. */
  readonly memoryBytes: number;
  readonly recorder: CacheRecorder;
  readonly logger: Logger;
}

/** The cache, and a function that closes its connection. */
export interface Cache {
  readonly readThrough: ReadThrough;
  readonly close: () => Promise<void>;
}

async function connectRedis(options: CacheOptions): Promise<RedisCache | undefined> {
  const { redisUrl: url, redisTimeoutMs: timeoutMs } = options;
  if (url === undefined) return undefined;
  const { RedisCache } = await import("./redis.ts");
  return new RedisCache({ ...options, url, timeoutMs });
}

/** Creates the cache. Does not wait until Redis is connected. */
export async function createCache(options: CacheOptions): Promise<Cache> {
  const { memoryBytes } = options;
  const memory =
    memoryBytes === 0 ? undefined : new MemoryCache({ ...options, maxBytes: memoryBytes });
  const redis = await connectRedis(options);
  const store = redis ?? (memory && memoryStore(memory));
  return {
    readThrough: new ReadThrough({ ...options, memory, store }),
    close: async () => redis?.close(),
  };
}
