import { jitteredTtlMs } from "./time-to-live.ts";

/** A key can be in this many slots. If all are taken, the least recently used is evicted. */
const ways = 8;
const slotWords = 32;
const slotBytes = slotWords * Int32Array.BYTES_PER_ELEMENT;
/** The number of words before the key: the namespace, and the length of the body in bytes. */
const headWords = 2;
const maxRowWords = slotWords - headWords - 1;
/** What an entry takes, with its hash and its two times. */
const entryBytes = slotBytes + 4 + 8 + 8;
const maxTotalBytes = 2 ** 30;

/**
 * A set-associative cache of short response bodies to single records, by the record's numbers. All
 * entries are in a few large arrays: as objects, they would cost the garbage collector more than a
 * prediction of the house model costs.
 */
export class RecordCache {
  /** The size of all slots. */
  readonly maxBytes: number;
  readonly #ttlSeconds: number;
  readonly #setMask: number;
  /** Places keys differently in each process, so that clients can't choose keys of the same set. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  readonly #namespaces = new Map<string, number>();
  readonly #hashes: Int32Array;
  readonly #usedAt: Float64Array;
  /** By `Date.now()`. An empty slot has 0, so it has expired. */
  readonly #expiresAt: Float64Array;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #rowFloats = new Float32Array(maxRowWords);
  readonly #row = new Int32Array(this.#rowFloats.buffer);
  #rowHash = 0;
  #uses = 0;
  #entries = 0;

  /** @param maxBytes more than 1 GiB is not used; less than 1,184 bytes are not enough for any entry */
  constructor(maxBytes: number, ttlSeconds: number) {
    const maxSets = Math.min(maxBytes, maxTotalBytes) / entryBytes / ways;
    const slots = maxSets < 1 ? 0 : 2 ** Math.floor(Math.log2(maxSets)) * ways;
    this.maxBytes = slots * entryBytes;
    this.#ttlSeconds = ttlSeconds;
    this.#setMask = slots / ways - 1;
    this.#hashes = new Int32Array(slots);
    this.#usedAt = new Float64Array(slots);
    this.#expiresAt = new Float64Array(slots);
    this.#words = new Int32Array(slots * slotWords);
    this.#bytes = Buffer.from(this.#words.buffer);
  }

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#entries * entryBytes;
  }

  /** Whether a slot has room for this record and this body. */
  hasRoom(row: Float32Array, body: string): boolean {
    return (
      this.maxBytes > 0 &&
      row.length <= maxRowWords &&
      Buffer.byteLength(body) <= slotBytes - bodyOffset(row)
    );
  }

  /**
   * Returns the body for a record.
   *
   * @param namespace identifies the model and the endpoint, so all its records have equal lengths
   */
  get(namespace: string, row: Float32Array): string | undefined {
    if (row.length > maxRowWords) return undefined;
    const slot = this.#find(this.#idOf(namespace), row);
    if (slot === undefined || (this.#expiresAt[slot] ?? 0) <= Date.now()) return undefined;
    this.#usedAt[slot] = ++this.#uses;
    const start = slot * slotBytes + bodyOffset(row);
    const length = this.#words[slot * slotWords + 1] ?? 0;
    return this.#bytes.toString("utf8", start, start + length);
  }

  /** Stores a body that has room. */
  set(namespace: string, row: Float32Array, body: string): void {
    const id = this.#idOf(namespace);
    const slot = this.#find(id, row) ?? this.#slotToReplace();
    if (this.#expiresAt[slot] === 0) this.#entries++;
    this.#hashes[slot] = this.#rowHash;
    this.#usedAt[slot] = ++this.#uses;
    this.#expiresAt[slot] = Date.now() + jitteredTtlMs(this.#ttlSeconds);
    const start = slot * slotWords;
    const length = this.#bytes.write(body, slot * slotBytes + bodyOffset(row));
    this.#words[start] = id;
    this.#words[start + 1] = length;
    for (let i = 0; i < row.length; i++) this.#words[start + headWords + i] = this.#row[i] ?? 0;
  }

  #idOf(namespace: string): number {
    let id = this.#namespaces.get(namespace);
    if (id === undefined) {
      id = this.#namespaces.size;
      this.#namespaces.set(namespace, id);
    }
    return id;
  }

  /** Returns the slot of a record. Keeps its words and its hash for what follows. */
  #find(id: number, row: Float32Array): number | undefined {
    this.#rowFloats.set(row);
    let hash = this.#seed ^ id;
    for (let i = 0; i < row.length; i++) {
      hash = Math.imul(hash ^ (this.#row[i] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    this.#rowHash = hash;
    const first = this.#firstSlot();
    for (let slot = first; slot < first + ways; slot++) {
      if (this.#hashes[slot] === hash && this.#holds(slot, id, row.length)) return slot;
    }
    return undefined;
  }

  #firstSlot(): number {
    return (this.#rowHash & this.#setMask) * ways;
  }

  #holds(slot: number, id: number, length: number): boolean {
    const start = slot * slotWords;
    if (this.#words[start] !== id) return false;
    for (let i = 0; i < length; i++) {
      if (this.#words[start + headWords + i] !== this.#row[i]) return false;
    }
    return true;
  }

  #slotToReplace(): number {
    const first = this.#firstSlot();
    let oldest = first;
    for (let slot = first; slot < first + ways; slot++) {
      if ((this.#usedAt[slot] ?? 0) < (this.#usedAt[oldest] ?? 0)) oldest = slot;
    }
    return oldest;
  }
}

/** The position of the body in its slot, in bytes. */
function bodyOffset(row: Float32Array): number {
  return (headWords + row.length) * Int32Array.BYTES_PER_ELEMENT;
}
