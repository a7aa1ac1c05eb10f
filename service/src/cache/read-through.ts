import type { Logger } from "pino";
import { AbandonedError } from "../model/engine.ts";
import type { BodyShape } from "../records/reader.ts";
import type { CachePolicy } from "./cache-control.ts";
import type { CachedResponse, CacheOutcome } from "./cached-response.ts";
import { canonicalKey, rawKey } from "./keys.ts";
import type { MemoryCache } from "./memory.ts";
import { CacheError, type PredictionCache } from "./prediction-cache.ts";

type Found = Pick<CachedResponse, "body" | "outcome">;

/** A request to the cache. */
export interface CacheRequest {
  /** The prefix of cache keys, with the model's version and the endpoint. */
  readonly namespace: string;
  /** Whether the body has one record or a list. */
  readonly shape: BodyShape;
  readonly policy: CachePolicy;
  /** The SHA-256 of the request body, in base64. */
  readonly digest: () => string;
  /** Parses and validates the request body. If it throws, nothing is cached. */
  readonly read: () => Float32Array | Promise<Float32Array>;
  /** The number of numbers in a row of the matrix. */
  readonly columns: number;
  /** Computes the response body. */
  readonly compute: (matrix: Float32Array) => Promise<string>;
}

/** The dependencies of {@link ReadThrough}. */
export interface ReadThroughDependencies {
  /** The in-process tier; undefined if it is turned off. */
  readonly memory: MemoryCache | undefined;
  /** Returns the second tier for bodies of this shape; undefined if nothing is cached there. */
  readonly storeFor: (shape: BodyShape) => PredictionCache | undefined;
  readonly logger: Logger;
}

/** How the outcome changes if a response is stored in memory. */
const storedOutcome: Partial<Record<CacheOutcome, CacheOutcome>> = {
  computed: "stored",
  recomputed: "refreshed",
};

/**
 * The read-through cache in front of the model:
 *
 * 1. a request body seen before is a hit in memory, and is not parsed;
 * 2. otherwise the body is parsed, and the store is queried with its canonical key;
 * 3. on a miss the model predicts, once for all requests in flight with the same key. If it fails,
 *    all of them fail, and the next request tries again;
 * 4. the response is kept in memory and sent to the store, without waiting for the store's reply.
 *
 * A prediction depends only on the model and the numbers, so no entry is ever stale. If the store
 * fails, the model predicts.
 */
export class ReadThrough {
  readonly #deps: ReadThroughDependencies;
  readonly #inFlight = new Map<string, Promise<Found>>();

  constructor(deps: ReadThroughDependencies) {
    this.#deps = deps;
  }

  /** Returns a hit in memory directly, anything else as a promise. */
  answer(request: CacheRequest): CachedResponse | Promise<CachedResponse> {
    const { memory } = this.#deps;
    const { namespace, policy } = request;
    const raw = memory && policy !== "bypass" ? rawKey(namespace, request.digest()) : undefined; // 1
    const known = raw !== undefined && policy === "use" ? memory?.get(raw) : undefined;
    return known ?? this.#answerUnknown(request, raw);
  }

  async #answerUnknown(request: CacheRequest, raw: string | undefined): Promise<CachedResponse> {
    const read = request.read(); // 2
    const matrix = read instanceof Promise ? await read : read;
    const found = await this.#find(request, matrix);
    return this.#remember(raw, { ...found, records: matrix.length / request.columns });
  }

  /** Keeps a response in memory, so that it is stored even while the store fails. */
  #remember(raw: string | undefined, answer: CachedResponse): CachedResponse {
    const { memory } = this.#deps;
    const { body, outcome, records } = answer;
    if (raw === undefined || !memory?.canStore(raw, body)) return answer;
    memory.set(raw, body, records); // 4
    return { body, outcome: storedOutcome[outcome] ?? outcome, records };
  }

  async #find(request: CacheRequest, matrix: Float32Array): Promise<Found> {
    const { namespace, policy } = request;
    if (policy === "bypass") {
      return { body: await request.compute(matrix), outcome: "bypassed" };
    }
    const key = canonicalKey(namespace, matrix);
    const store = this.#deps.storeFor(request.shape);
    if (policy === "refresh") {
      const { body, isStored } = await this.#compute(store, key, request, matrix);
      return { body, outcome: isStored ? "refreshed" : "recomputed" };
    }

    const inFlight = this.#inFlight.get(key); // 3
    if (inFlight) {
      try {
        const { body, outcome } = await inFlight;
        const isComputed = outcome === "stored" || outcome === "computed";
        return { body, outcome: isComputed ? "collapsed" : outcome };
      } catch (error) {
        // The other client has disconnected, but this one is still waiting.
        if (!(error instanceof AbandonedError)) throw error;
        return this.#find(request, matrix);
      }
    }
    const lookup = this.#lookUp(store, key, request, matrix);
    this.#inFlight.set(key, lookup);
    try {
      return await lookup;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #lookUp(
    store: PredictionCache | undefined,
    key: string,
    request: CacheRequest,
    matrix: Float32Array,
  ): Promise<Found> {
    if (store === undefined) {
      return { body: await request.compute(matrix), outcome: "bypassed" };
    }
    let found: string | undefined;
    try {
      found = await store.get(key);
    } catch (error) {
      this.#logUnexpected(error);
      return { body: await request.compute(matrix), outcome: "bypassed" };
    }
    if (found !== undefined) return { body: found, outcome: store.tier };
    const { body, isStored } = await this.#compute(store, key, request, matrix);
    return { body, outcome: isStored ? "stored" : "computed" };
  }

  async #compute(
    store: PredictionCache | undefined,
    key: string,
    { compute, columns }: CacheRequest,
    matrix: Float32Array,
  ): Promise<{ readonly body: string; readonly isStored: boolean }> {
    const body = await compute(matrix);
    if (store === undefined) return { body, isStored: false };
    const isStored = store.canStore(key, body);
    store
      .set(key, body, matrix.length / columns)
      .catch((error: unknown) => this.#logUnexpected(error)); // 4
    return { body, isStored };
  }

  /** A store reports its own failures. Any other error is a bug. */
  #logUnexpected(error: unknown): void {
    if (error instanceof CacheError) return;
    this.#deps.logger.error({ err: error }, "unexpected cache error");
  }
}
