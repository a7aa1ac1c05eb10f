import { LRUCache } from "lru-cache";
import type { CachedResponse } from "./cached-response.ts";
import type { PredictionCache } from "./prediction-cache.ts";
import { jitteredTtlMs } from "./time-to-live.ts";

/** Settings of {@link MemoryCache}. */
export interface MemoryCacheOptions {
  /** Maximum size of all entries; the least recently used are evicted first. */
  readonly maxBytes: number;
  readonly ttlSeconds: number;
}

/** Bytes per entry in addition to its characters: map slot, list links, headers of objects. */
const entryOverheadBytes = 250;

function entryBytes(key: string, body: string, outOfRange = ""): number {
  return key.length + body.length + outOfRange.length + entryOverheadBytes;
}

/** Response bodies in the memory of this process, limited in size and age. */
export class MemoryCache {
  readonly #entries: LRUCache<string, CachedResponse>;
  readonly #maxBytes: number;
  readonly #ttlSeconds: number;

  constructor({ maxBytes, ttlSeconds }: MemoryCacheOptions) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ body, outOfRange }, key) => entryBytes(key, body, outOfRange),
    });
    this.#maxBytes = maxBytes;
    this.#ttlSeconds = ttlSeconds;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The size of all entries. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** The number of entries. */
  get entries(): number {
    return this.#entries.size;
  }

  get(key: string): CachedResponse | undefined {
    return this.#entries.get(key);
  }

  /** Stores a body, unless its entry is larger than `maxBytes`. */
  set(key: string, body: string, records: number, outOfRange?: string): void {
    const response: CachedResponse = { body, outcome: "memory", records, outOfRange };
    this.#entries.set(key, response, { ttl: jitteredTtlMs(this.#ttlSeconds) });
  }

  /** Whether `set` would store this body. */
  canStore(key: string, body: string, outOfRange?: string): boolean {
    return entryBytes(key, body, outOfRange) <= this.#maxBytes;
  }
}

/**
 * Uses the in-process tier instead of Redis, so that the same requests hit with and without Redis.
 */
export function memoryStore(memory: MemoryCache): PredictionCache {
  return {
    tier: "memory",
    get: async (key) => memory.get(key)?.body,
    set: async (key, body, records) => memory.set(key, body, records),
    canStore: (key, body) => memory.canStore(key, body),
  };
}
