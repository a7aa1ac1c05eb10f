import { QueueFullError } from "../predictor/batcher.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { Refusal } from "../wire/refusal.ts";
import type { Limits } from "./limits.ts";

function overloaded(): Refusal {
  return new Refusal(503, "Service Unavailable", { "Retry-After": "1" });
}

/** Keeps the prediction routes within their bounds of concurrency and time. */
export class Admission {
  readonly #maxConcurrentRequests: number;
  readonly #requestTimeoutMs: number;
  #underWay = 0;

  constructor({ maxConcurrentRequests, requestTimeoutMs }: Limits) {
    this.#maxConcurrentRequests = maxConcurrentRequests;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /**
   * Runs the work of one request. Where it takes too long it goes on to its end, unheard.
   *
   * @throws {Refusal} 503 with `Retry-After` (RFC 9110, 10.2.3) where too much is under way; 504
   *   where the work is not done in time
   */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#maxConcurrentRequests) throw overloaded();
    this.#underWay++;
    try {
      return await withTimeout(this.#requestTimeoutMs, work());
    } catch (error) {
      if (error instanceof TimeoutError) throw new Refusal(504, "Gateway Timeout");
      throw error instanceof QueueFullError ? overloaded() : error;
    } finally {
      this.#underWay--;
    }
  }
}
