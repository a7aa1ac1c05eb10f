import type { Logger } from "pino";
import { AbandonedError } from "../model/engine.ts";
import type { CachePolicy } from "./cache-control.ts";
import { canonicalKey, rawKey } from "./keys.ts";
import type { MemoryCache } from "./memory.ts";
import { CacheError, type PredictionCache } from "./prediction-cache.ts";
import type { CacheOutcome, CacheRecorder } from "./recorder.ts";

/** A response body and where it came from. */
export interface CachedAnswer {
  readonly body: string;
  readonly outcome: CacheOutcome;
}

/** One request, as the cache sees it. */
export interface CacheQuestion {
  /** The model's version and the endpoint: their responses are not those of others. */
  readonly namespace: string;
  readonly policy: CachePolicy;
  /** The SHA-256 of the request body, in base64. */
  readonly digest: () => string;
  /** Validates the request body. If it throws, nothing is cached. */
  readonly read: () => Float32Array | Promise<Float32Array>;
  /** Computes the response body. */
  readonly compute: (matrix: Float32Array) => Promise<string>;
}

/** What {@link ReadThrough} works with. */
export interface ReadThroughDependencies {
  /** The in-process tier; absent if it is turned off. */
  readonly memory: MemoryCache | undefined;
  /** The tier behind it; absent if nothing is to be cached. */
  readonly store: PredictionCache | undefined;
  readonly recorder: CacheRecorder;
  readonly logger: Logger;
}

/** The outcomes that change when a response is stored after all. */
const storedOutcome: Partial<Record<CacheOutcome, CacheOutcome>> = {
  computed: "stored",
  recomputed: "refreshed",
};

/**
 * The read-through cache in front of the model:
 *
 * 1. a request body seen before is a hit in memory, and is not parsed;
 * 2. otherwise the body is read, and the store is queried by its canonical key;
 * 3. on a miss the model computes, once for all requests in flight for the same key; if it fails,
 *    all of them fail, and the next request computes again;
 * 4. the response is kept in memory and sent to the store, without waiting for the store's reply.
 *
 * A prediction depends on nothing but the model and the numbers, so no entry is ever stale. If the
 * store fails, the model answers.
 */
export class ReadThrough {
  readonly #deps: ReadThroughDependencies;
  readonly #inFlight = new Map<string, Promise<CachedAnswer>>();

  constructor(deps: ReadThroughDependencies) {
    this.#deps = deps;
  }

  /** Returns hits in memory directly, and everything else as a promise. */
  answer(question: CacheQuestion): CachedAnswer | Promise<CachedAnswer> {
    const { memory, recorder } = this.#deps;
    const { namespace, policy } = question;
    const raw = memory && policy !== "bypass" ? rawKey(namespace, question.digest()) : undefined; // 1
    const known = raw !== undefined && policy === "use" ? memory?.get(raw) : undefined;
    if (known === undefined) return this.#answerUnknown(question, raw);
    recorder.answered("memory");
    return { body: known, outcome: "memory" };
  }

  async #answerUnknown(question: CacheQuestion, raw: string | undefined): Promise<CachedAnswer> {
    const read = question.read(); // 2
    const found = await this.#find(question, read instanceof Promise ? await read : read);
    const answer = this.#remember(raw, found);
    this.#deps.recorder.answered(answer.outcome);
    return answer;
  }

  /** Keeps a response in memory, so that it is stored even while the store fails. */
  #remember(raw: string | undefined, answer: CachedAnswer): CachedAnswer {
    const { memory } = this.#deps;
    const { body, outcome } = answer;
    if (raw === undefined || !memory?.canStore(raw, body)) return answer;
    memory.set(raw, body); // 4
    return { body, outcome: storedOutcome[outcome] ?? outcome };
  }

  async #find(question: CacheQuestion, matrix: Float32Array): Promise<CachedAnswer> {
    const { namespace, policy, compute } = question;
    if (policy === "bypass") return { body: await compute(matrix), outcome: "bypassed" };
    const key = canonicalKey(namespace, matrix);
    if (policy === "refresh") {
      const { body, isStored } = await this.#compute(key, () => compute(matrix));
      return { body, outcome: isStored ? "refreshed" : "recomputed" };
    }

    const inFlight = this.#inFlight.get(key); // 3
    if (inFlight) {
      try {
        const { body, outcome } = await inFlight;
        const isComputed = outcome === "stored" || outcome === "computed";
        return { body, outcome: isComputed ? "collapsed" : outcome };
      } catch (error) {
        // Its client has gone, but this one waits.
        if (!(error instanceof AbandonedError)) throw error;
        return this.#find(question, matrix);
      }
    }
    const lookup = this.#lookUp(key, () => compute(matrix));
    this.#inFlight.set(key, lookup);
    try {
      return await lookup;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #lookUp(key: string, compute: () => Promise<string>): Promise<CachedAnswer> {
    const { store } = this.#deps;
    if (store === undefined) return { body: await compute(), outcome: "bypassed" };
    let found: string | undefined;
    try {
      found = await store.get(key);
    } catch (error) {
      this.#logUnexpected(error);
      return { body: await compute(), outcome: "bypassed" };
    }
    if (found !== undefined) return { body: found, outcome: store.tier };
    const { body, isStored } = await this.#compute(key, compute);
    return { body, outcome: isStored ? "stored" : "computed" };
  }

  async #compute(
    key: string,
    compute: () => Promise<string>,
  ): Promise<{ readonly body: string; readonly isStored: boolean }> {
    const { store } = this.#deps;
    const body = await compute();
    if (store === undefined) return { body, isStored: false };
    const isStored = store.canStore(key, body);
    store.set(key, body).catch((error: unknown) => this.#logUnexpected(error)); // 4
    return { body, isStored };
  }

  /** A store reports its own failures; any other error is a fault of this program. */
  #logUnexpected(error: unknown): void {
    if (error instanceof CacheError) return;
    this.#deps.logger.error({ err: error }, "unexpected cache error");
  }
}
