import type { Logger } from "pino";
import { AbandonedError } from "../model/engine.ts";
import type { TrainingRange } from "../model/training-range.ts";
import type { BodyShape } from "../records/reader.ts";
import type { CachePolicy } from "./cache-control.ts";
import type { CachedResponse, CacheOutcome } from "./cached-response.ts";
import { canonicalKey, localKey, rawKey } from "./keys.ts";
import type { MemoryCache } from "./memory.ts";
import { CacheError, type PredictionCache } from "./prediction-cache.ts";

type Found = Pick<CachedResponse, "body" | "outcome">;

/** The prefixes of a request's keys. */
export interface CacheNamespaces {
  /** That of numbers, with the model's version and the endpoint. It is final after `read`. */
  readonly namespace: string;
  /**
   * That of bodies as sent, which are found before they are checked. Whatever changes the response
   * to a body changes it.
   */
  readonly bodyNamespace: string;
}

/** A request to the cache. */
export interface CacheRequest {
  readonly keys: CacheNamespaces;
  /** Whether the body has one record or a list. */
  readonly shape: BodyShape;
  readonly policy: CachePolicy;
  /** The SHA-256 of the request body, in base64. */
  readonly digest: () => string;
  /** Parses and validates the request body. If it throws, nothing is cached. */
  readonly read: () => Float32Array | Promise<Float32Array>;
  readonly range: TrainingRange;
  /** The number of columns of the matrix. */
  readonly columns: number;
  /** Computes what is stored under the canonical key. */
  readonly compute: (matrix: Float32Array) => Promise<string>;
  /** Whether computing it costs less than finding out if another request computes the same. */
  readonly isCheap: boolean;
  /** Turns that into the response body. By default, it is the response body. */
  readonly respond?: ((stored: string) => string | Promise<string>) | undefined;
}

/** The dependencies of {@link ReadThrough}. */
export interface ReadThroughDependencies {
  /** The in-process tier; undefined if it is turned off. */
  readonly memory: MemoryCache | undefined;
  /** Returns the second tier for bodies of this shape; undefined if there is none. */
  readonly storeFor: (shape: BodyShape) => PredictionCache | undefined;
  readonly logger: Logger;
}

/** How the outcome changes if a response is stored in memory. */
const storedOutcome: Partial<Record<CacheOutcome, CacheOutcome>> = {
  computed: "stored",
  recomputed: "refreshed",
};

function asStored({ body, outcome, records, outOfRange }: CachedResponse): CachedResponse {
  return { body, outcome: storedOutcome[outcome] ?? outcome, records, outOfRange };
}

function responseToOne(
  { range }: CacheRequest,
  row: Float32Array,
  { body, outcome }: Found,
): CachedResponse {
  return { body, outcome, records: 1, outOfRange: range.outside(row) };
}

/**
 * The read-through cache in front of the model:
 *
 * 1. the response is looked up in memory: of a list by its body as sent, before it is parsed; of a
 *    single record by its numbers, since parsing it costs less than a digest;
 * 2. otherwise the store is queried with the canonical key;
 * 3. on a miss the model predicts, once for all requests in flight with the same numbers, unless
 *    that is cheap and there is no store. If it fails, all of them fail, and the next request tries
 *    again;
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
    const { keys, shape, policy } = request;
    if (shape === "many") {
      const needsKey = this.#deps.memory && policy !== "bypass";
      const key = needsKey ? rawKey(keys.bodyNamespace, request.digest()) : undefined;
      return this.#known(key, policy) ?? this.#answerList(key, request);
    }
    const row = request.read();
    return row instanceof Promise
      ? row.then((row) => this.#answerOne(request, row))
      : this.#answerOne(request, row);
  }

  #answerOne(request: CacheRequest, row: Float32Array): CachedResponse | Promise<CachedResponse> {
    const { memory, storeFor } = this.#deps;
    if (request.policy !== "use") return this.#answerUnknownOne(request, row);
    const body = memory?.getRecord(request.keys.namespace, row);
    if (body !== undefined) return responseToOne(request, row, { body, outcome: "memory" });
    if (!request.isCheap || storeFor("one")) return this.#answerUnknownOne(request, row);
    const outcome = memory ? "computed" : "bypassed";
    return request.compute(row).then((body) => this.#rememberOne(request, row, { body, outcome }));
  }

  async #answerUnknownOne(request: CacheRequest, row: Float32Array): Promise<CachedResponse> {
    const found = await this.#find(request, row);
    return this.#rememberOne(request, row, found);
  }

  #rememberOne(request: CacheRequest, row: Float32Array, found: Found): CachedResponse {
    const { keys, policy } = request;
    const answer = responseToOne(request, row, found);
    const isStored =
      policy !== "bypass" && this.#deps.memory?.setRecord(keys.namespace, row, found.body);
    return isStored ? asStored(answer) : answer;
  }

  #known(key: string | undefined, policy: CachePolicy): CachedResponse | undefined {
    return key !== undefined && policy === "use" ? this.#deps.memory?.get(key) : undefined; // 1
  }

  async #answerList(memoryKey: string | undefined, request: CacheRequest): Promise<CachedResponse> {
    const { memory } = this.#deps;
    const read = request.read();
    const matrix = read instanceof Promise ? await read : read;
    const { body: stored, outcome } = await this.#find(request, matrix);
    const records = matrix.length / request.columns;
    const body = request.respond ? await request.respond(stored) : stored;
    const outOfRange = request.range.outside(matrix);
    const answer = { body, outcome, records, outOfRange };
    if (memoryKey === undefined || !memory?.canStore(memoryKey, body, outOfRange)) return answer;
    memory.set(memoryKey, body, records, outOfRange); // 4
    return asStored(answer);
  }

  async #find(request: CacheRequest, matrix: Float32Array): Promise<Found> {
    const { keys, policy, shape } = request;
    if (policy === "bypass") {
      return { body: await request.compute(matrix), outcome: "bypassed" };
    }
    const store = this.#deps.storeFor(shape);
    const key = (store ? canonicalKey : localKey)(keys.namespace, matrix);
    if (policy === "refresh") {
      const { body, outcome } = await this.#compute(store, key, request, matrix);
      return { body, outcome: outcome === "stored" ? "refreshed" : "recomputed" };
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
    const lookup = store
      ? this.#lookUp(store, key, request, matrix)
      : this.#compute(store, key, request, matrix);
    this.#inFlight.set(key, lookup);
    try {
      return await lookup;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #lookUp(
    store: PredictionCache,
    key: string,
    request: CacheRequest,
    matrix: Float32Array,
  ): Promise<Found> {
    let found: string | undefined;
    try {
      found = await store.get(key); // 2
    } catch (error) {
      this.#logUnexpected(error);
      return { body: await request.compute(matrix), outcome: "bypassed" };
    }
    if (found !== undefined) return { body: found, outcome: store.tier };
    return this.#compute(store, key, request, matrix);
  }

  async #compute(
    store: PredictionCache | undefined,
    key: string,
    { columns, compute }: CacheRequest,
    matrix: Float32Array,
  ): Promise<Found> {
    const body = await compute(matrix);
    if (store === undefined) return { body, outcome: this.#deps.memory ? "computed" : "bypassed" };
    const isStored = store.canStore(key, body);
    store
      .set(key, body, matrix.length / columns)
      .catch((error: unknown) => this.#logUnexpected(error)); // 4
    return { body, outcome: isStored ? "stored" : "computed" };
  }

  /** A store reports its own failures. Any other error is a bug. */
  #logUnexpected(error: unknown): void {
    if (error instanceof CacheError) return;
    this.#deps.logger.error({ err: error }, "unexpected cache error");
  }
}
