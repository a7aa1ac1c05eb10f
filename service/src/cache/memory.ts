import { LRUCache } from "lru-cache";
import type { CachedResponse } from "./cached-response.ts";
import { localKey } from "./keys.ts";
import type { PredictionCache } from "./prediction-cache.ts";
import { RecordCache } from "./record-cache.ts";
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

/**
 * Response bodies in the memory of this process, limited in size and age. Half of the size is for
 * short bodies to single records.
 */
export class MemoryCache {
  readonly maxBytes: number;
  readonly #entries: LRUCache<string, CachedResponse>;
  readonly #records: RecordCache;
  /** The namespaces of single records with bodies that {@link RecordCache} has no room for. */
  readonly #longRecords = new Set<string>();
  readonly #ttlSeconds: number;

  constructor({ maxBytes, ttlSeconds }: MemoryCacheOptions) {
    this.#records = new RecordCache(maxBytes / 2, ttlSeconds);
    this.#entries = new LRUCache({
      maxSize: Math.max(1, maxBytes - this.#records.maxBytes),
      sizeCalculation: ({ body, outOfRange }, key) => entryBytes(key, body, outOfRange),
    });
    this.maxBytes = maxBytes;
    this.#ttlSeconds = ttlSeconds;
  }

  /** The size of all entries. */
  get bytes(): number {
    return this.#entries.calculatedSize + this.#records.bytes;
  }

  /** The number of entries. */
  get entries(): number {
    return this.#entries.size + this.#records.entries;
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
    return entryBytes(key, body, outOfRange) <= this.#entries.maxSize;
  }

  /** Returns the body of the response to a single record. */
  getRecord(namespace: string, row: Float32Array): string | undefined {
    return this.#longRecords.has(namespace)
      ? this.get(localKey(namespace, row))?.body
      : this.#records.get(namespace, row);
  }

  /**
   * Stores the body of a response to a single record.
   *
   * @returns whether it is small enough to be stored
   */
  setRecord(namespace: string, row: Float32Array, body: string): boolean {
    if (this.#records.hasRoom(row, body) && !this.#longRecords.has(namespace)) {
      this.#records.set(namespace, row, body);
      return true;
    }
    this.#longRecords.add(namespace);
    const key = localKey(namespace, row);
    if (!this.canStore(key, body)) return false;
    this.set(key, body, 1);
    return true;
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
