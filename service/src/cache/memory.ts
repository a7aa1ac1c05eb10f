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

/** What an entry takes in addition to its characters: map slot, list links, string headers. */
const entryOverheadBytes = 200;

function entryBytes(body: string, key: string): number {
  return body.length + key.length + entryOverheadBytes;
}

/** Response bodies in this process, limited in size and time. */
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

  /** Stores a body, unless it alone exceeds `maxBytes`. */
  set(key: string, body: string): void {
    this.#entries.set(key, body, { ttl: jitteredTtlMs(this.#ttlSeconds) });
    this.#recorder.holds(this.#entries.calculatedSize, this.#entries.size);
  }

  /** Whether `set` stores this body. */
  canStore(key: string, body: string): boolean {
    return entryBytes(body, key) <= this.#maxBytes;
  }
}

/** The in-process tier in the place of Redis, so that the same requests hit in both modes. */
export function memoryStore(memory: MemoryCache): PredictionCache {
  return {
    tier: "memory",
    get: async (key) => memory.get(key),
    set: async (key, body) => memory.set(key, body),
    canStore: (key, body) => memory.canStore(key, body),
  };
}
