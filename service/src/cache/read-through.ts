import { AbandonedError } from "../predictor/predictor.ts";
import type { CachePolicy } from "./cache-control.ts";
import { canonicalKey, rawKey } from "./keys.ts";
import type { MemoryCache } from "./memory.ts";
import { CacheError, type PredictionCache } from "./prediction-cache.ts";
import type { CacheOutcome, CacheRecorder } from "./recorder.ts";

/** An answer's body with where it came from. */
export interface CachedAnswer {
  readonly body: string;
  readonly outcome: CacheOutcome;
}

/** One request, as the cache sees it. */
export interface CacheQuestion {
  readonly endpoint: string;
  readonly policy: CachePolicy;
  /** The SHA-256 of the body, in base64. */
  readonly digest: () => string;
  /** Validates the body; throws where it is refused, and then nothing is cached. */
  readonly read: () => Float32Array | Promise<Float32Array>;
  /** Computes the answer's body. */
  readonly compute: (matrix: Float32Array) => Promise<string>;
}

/** What {@link ReadThrough} works with. */
export interface ReadThroughDependencies {
  readonly modelVersion: string;
  /** The in-process tier; absent where it is turned off. */
  readonly memory: MemoryCache | undefined;
  /** The tier behind it; absent where nothing is to be cached. */
  readonly store: PredictionCache | undefined;
  readonly recorder: CacheRecorder;
}

/**
 * The read-through cache in front of the model:
 *
 * 1. a body seen before is answered from memory, unparsed;
 * 2. else it is read, and the store is asked by the canonical key;
 * 3. on a miss the model computes, once for all requests that wait for the same key (single
 *    flight); a failed flight fails its waiters and is forgotten;
 * 4. the answer is kept in memory and handed to the store; whether that keeps it is not waited for.
 *
 * A prediction is a pure function of model and numbers, so no answer is ever stale. Where the store
 * fails, the model answers.
 */
export class ReadThrough {
  readonly #deps: ReadThroughDependencies;
  readonly #flights = new Map<string, Promise<CachedAnswer>>();

  constructor(deps: ReadThroughDependencies) {
    this.#deps = deps;
  }

  /** At once where the answer is in memory: most requests of a warm cache wait for nothing. */
  answer(question: CacheQuestion): CachedAnswer | Promise<CachedAnswer> {
    const { memory, recorder } = this.#deps;
    const { endpoint, policy } = question;
    const raw = memory && policy !== "bypass" ? rawKey(endpoint, question.digest()) : undefined; // 1
    const known = raw !== undefined && policy === "use" ? memory?.get(raw) : undefined;
    if (known === undefined) return this.#answerUnknown(question, raw);
    recorder.answered("memory");
    return { body: known, outcome: "memory" };
  }

  async #answerUnknown(question: CacheQuestion, raw: string | undefined): Promise<CachedAnswer> {
    const { memory, recorder } = this.#deps;
    const read = question.read(); // 2
    const answer = await this.#find(question, read instanceof Promise ? await read : read);
    if (raw !== undefined) memory?.set(raw, answer.body); // 4
    recorder.answered(answer.outcome);
    return answer;
  }

  async #find(question: CacheQuestion, matrix: Float32Array): Promise<CachedAnswer> {
    const { endpoint, policy, compute } = question;
    if (policy === "bypass") return { body: await compute(matrix), outcome: "bypassed" };
    const key = canonicalKey(this.#deps.modelVersion, endpoint, matrix);
    if (policy === "refresh") return this.#compute(key, () => compute(matrix), "refreshed");

    const underWay = this.#flights.get(key); // 3
    if (underWay) {
      try {
        const { body, outcome } = await underWay;
        return { body, outcome: outcome === "stored" ? "collapsed" : outcome };
      } catch (error) {
        // The client that it was for has gone, but this one waits.
        if (!(error instanceof AbandonedError)) throw error;
        return this.#find(question, matrix);
      }
    }
    const flight = this.#ask(key, () => compute(matrix));
    this.#flights.set(key, flight);
    try {
      return await flight;
    } finally {
      this.#flights.delete(key);
    }
  }

  async #ask(key: string, compute: () => Promise<string>): Promise<CachedAnswer> {
    const { store } = this.#deps;
    if (store === undefined) return { body: await compute(), outcome: "bypassed" };
    let found: string | undefined;
    try {
      found = await store.get(key);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      return { body: await compute(), outcome: "bypassed" };
    }
    if (found !== undefined) return { body: found, outcome: store.tier };
    return this.#compute(key, compute, "stored");
  }

  async #compute(
    key: string,
    compute: () => Promise<string>,
    outcome: CacheOutcome,
  ): Promise<CachedAnswer> {
    const body = await compute();
    // 4: the store counts and reports its own failures; this answer does not wait for it.
    this.#deps.store?.set(key, body).catch(ignoreCacheError);
    return { body, outcome };
  }
}

function ignoreCacheError(error: unknown): void {
  if (!(error instanceof CacheError)) throw error;
}
