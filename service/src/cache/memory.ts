import { LRUCache } from "lru-cache";
import type { PredictionCache } from "./prediction-cache.ts";
import type { CacheRecorder } from "./recorder.ts";
import { jitteredTtlMs } from "./time-to-live.ts";

/** Settings of {@link MemoryCache}. */
export interface MemoryCacheOptions {
  /** Bound of keys and bodies together; the least recently used go first. */
  readonly maxBytes: number;
  readonly ttlSeconds: number;
  readonly recorder: CacheRecorder;
}

/** What an entry takes beside its characters: map slot, list links, string headers. */
const entryOverheadBytes = 200;

/** Answers in this process, bounded in bytes and time. */
export class MemoryCache {
  readonly #entries: LRUCache<string, string>;
  readonly #ttlSeconds: number;
  readonly #recorder: CacheRecorder;

  constructor({ maxBytes, ttlSeconds, recorder }: MemoryCacheOptions) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (body, key) => body.length + key.length + entryOverheadBytes,
    });
    this.#ttlSeconds = ttlSeconds;
    this.#recorder = recorder;
  }

  get(key: string): string | undefined {
    return this.#entries.get(key);
  }

  set(key: string, body: string): void {
    this.#entries.set(key, body, { ttl: jitteredTtlMs(this.#ttlSeconds) });
    this.#recorder.holds(this.#entries.calculatedSize, this.#entries.size);
  }
}

/** The in-process tier in the place of Redis, so that the same requests hit in both modes. */
export function memoryStore(memory: MemoryCache): PredictionCache {
  return {
    tier: "memory",
    get: async (key) => memory.get(key),
    set: async (key, body) => memory.set(key, body),
  };
}
