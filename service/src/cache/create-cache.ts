import type { Logger } from "pino";
import { MemoryCache, memoryStore } from "./memory.ts";
import { ReadThrough } from "./read-through.ts";
import type { CacheRecorder } from "./recorder.ts";
import { RedisCache } from "./redis.ts";

/** What the cache is made of, as the configuration says. */
export interface CacheOptions {
  readonly modelVersion: string;
  /** Absent: memory takes the place of Redis. */
  readonly redisUrl: string | undefined;
  readonly redisTimeoutMs: number;
  readonly ttlSeconds: number;
  /** Of the in-process tier; 0 turns it off. */
  readonly memoryBytes: number;
  readonly recorder: CacheRecorder;
  readonly logger: Logger;
}

/** The cache, and what ends its connections. */
export interface Cache {
  readonly readThrough: ReadThrough;
  readonly close: () => Promise<void>;
}

/** Puts the tiers together. Never waits for Redis. */
export function createCache(options: CacheOptions): Cache {
  const { modelVersion, redisUrl, redisTimeoutMs, ttlSeconds, memoryBytes } = options;
  const { recorder, logger } = options;
  const memory =
    memoryBytes === 0
      ? undefined
      : new MemoryCache({ maxBytes: memoryBytes, ttlSeconds, recorder });
  const redis =
    redisUrl === undefined
      ? undefined
      : new RedisCache({ url: redisUrl, timeoutMs: redisTimeoutMs, ttlSeconds, recorder, logger });
  const store = redis ?? (memory && memoryStore(memory));
  return {
    readThrough: new ReadThrough({ modelVersion, memory, store, recorder }),
    close: async () => redis?.close(),
  };
}
