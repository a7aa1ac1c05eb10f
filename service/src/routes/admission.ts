import { QueueFullError } from "../model/batcher.ts";
import { AbandonedError } from "../model/engine.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { SentRequest } from "../wire/sent-request.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { Limits } from "./limits.ts";

function overloaded(): Refusal {
  return refusal(503, "Service Unavailable", { "Retry-After": "1" });
}

function toRefusal(error: unknown): unknown {
  if (error instanceof TimeoutError) return refusal(504, "Gateway Timeout");
  if (error instanceof QueueFullError) return overloaded();
  // Nobody reads this response. The status is for the log, and is the one that nginx uses.
  if (error instanceof AbandonedError) return refusal(499, "Client Closed Request");
  return error;
}

/** The share of the service's capacity that an admitted request uses. */
export interface Grant {
  /**
   * Aborted when nobody is waiting for the result: the client has disconnected, or a 504 is sent.
   */
  readonly signal: AbortSignal;
  /**
   * Counts bytes that the request keeps in memory.
   *
   * @throws {Refusal} 503 if all bodies together would exceed their limit
   */
  takeBytes(bytes: number): void;
  /** Gives back the bytes taken so far, which are no longer in memory. */
  releaseBytes(): void;
  /**
   * Counts the request as being processed.
   *
   * @throws {Refusal} 503 if too many requests are being processed
   */
  beginWork(): void;
}

/**
 * Enforces the limits of the prediction routes. While a body arrives, only its bytes count. The
 * request itself counts only once it is processed, so slow uploads do not block other requests.
 */
export class Admission {
  readonly #maxConcurrentRequests: number;
  readonly #requestTimeoutMs: number;
  readonly #budget: ByteBudget;
  #working = 0;

  constructor({ maxConcurrentRequests, requestTimeoutMs, maxBytesInFlight }: Limits) {
    this.#maxConcurrentRequests = maxConcurrentRequests;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#budget = new ByteBudget(maxBytesInFlight);
  }

  /**
   * Runs the work of one request. On timeout, and if the client disconnects, the work is cancelled
   * and its result is discarded.
   *
   * @throws {Refusal} 503 with `Retry-After` (RFC 9110, 10.2.3) if too much is in flight; 504 on
   *   timeout
   */
  async admit<T>(request: SentRequest, work: (grant: Grant) => Promise<T>): Promise<T> {
    this.#requireSlot();
    const lease = this.#budget.lease();
    let abandoned: AbortController | undefined;
    let isAbandoned = false;
    let isSettled = false;
    function abandon(): void {
      if (isSettled) return;
      isAbandoned = true;
      abandoned?.abort(new AbandonedError());
    }
    request.onClose(abandon);
    let isWorking = false;
    const grant: Grant = {
      get signal() {
        // Most requests need none: their responses are in memory.
        abandoned ??= new AbortController();
        if (isAbandoned) abandoned.abort(new AbandonedError());
        return abandoned.signal;
      },
      takeBytes(bytes) {
        if (isAbandoned) throw new AbandonedError();
        if (!lease.tryGrow(bytes)) throw overloaded();
      },
      releaseBytes: () => lease.release(),
      beginWork: () => {
        if (isAbandoned) throw new AbandonedError();
        this.#requireSlot();
        this.#working++;
        isWorking = true;
      },
    };
    try {
      return await withTimeout(this.#requestTimeoutMs, work(grant));
    } catch (error) {
      abandon();
      request.discardBody();
      throw toRefusal(error);
    } finally {
      isSettled = true;
      lease.release();
      if (isWorking) this.#working--;
    }
  }

  /**
   * Counts the bytes of a response until it is sent, or the client has disconnected.
   *
   * @throws {Refusal} 503 if this would exceed the limit
   */
  holdUntilSent(request: SentRequest, bytes: number): void {
    const lease = this.#budget.lease();
    if (!lease.tryGrow(bytes)) throw overloaded();
    if (!request.onClose(() => lease.release())) lease.release();
    request.limitStall(this.#requestTimeoutMs);
  }

  #requireSlot(): void {
    if (this.#working >= this.#maxConcurrentRequests) throw overloaded();
  }
}
