import { LRUCache } from "lru-cache";
import type { PredictionCache } from "./prediction-cache.ts";
import type { CacheRecorder } from "./recorder.ts";
import { jitteredTtlMs } from "./time-to-live.ts";

/** Settings of {@link MemoryCache}. */
export interface MemoryCacheOptions {
  /** Maximum size of all entries; the least recently used are evicted first. */
  readonly maxBytes: number;
  readonly ttlSeconds: number;
  readonly recorder: CacheRecorder;
}

/** Bytes per entry in addition to its characters: map slot, list links, string headers. */
const entryOverheadBytes = 200;

function entryBytes(body: string, key: string): number {
  return body.length + key.length + entryOverheadBytes;
}

/** Response bodies in the memory of this process, limited in size and age. */
export class MemoryCache {
  readonly #entries: LRUCache<string, string>;
  readonly #maxBytes: number;
  readonly #ttlSeconds: number;
  readonly #recorder: CacheRecorder;

  constructor({ maxBytes, ttlSeconds, recorder }: MemoryCacheOptions) {
    this.#entries = new LRUCache({ maxSize: maxBytes, sizeCalculation: entryBytes });
    this.#maxBytes = maxBytes;
    this.#ttlSeconds = ttlSeconds;
    this.#recorder = recorder;
  }

  get(key: string): string | undefined {
    return this.#entries.get(key);
  }

  /** Stores a body, unless its entry is larger than `maxBytes`. */
  set(key: string, body: string): void {
    this.#entries.set(key, body, { ttl: jitteredTtlMs(this.#ttlSeconds) });
    this.#recorder.holds(this.#entries.calculatedSize, this.#entries.size);
  }

  /** Whether `set` would store this body. */
  canStore(key: string, body: string): boolean {
    return entryBytes(body, key) <= this.#maxBytes;
  }
}

/**
 * Uses the in-process tier instead of Redis, so that the same requests hit with and without Redis.
 */
export function memoryStore(memory: MemoryCache): PredictionCache {
  return {
    tier: "memory",
    get: async (key) => memory.get(key),
    set: async (key, body) => memory.set(key, body),
    canStore: (key, body) => memory.canStore(key, body),
  };
}
