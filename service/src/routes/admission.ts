import { QueueFullError } from "../model/batcher.ts";
import { AbandonedError } from "../model/engine.ts";
import { NotLoadedError } from "../model/served-model.ts";
import type { RejectionReason } from "../telemetry/metric-table.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { SentRequest } from "../wire/sent-request.ts";
import { ByteBudget, type ByteLease } from "./byte-budget.ts";
import type { Limits } from "./limits.ts";

function overloaded(reason: RejectionReason): Refusal {
  return refusal(503, "Service Unavailable", { "Retry-After": "1" }, reason);
}

function toRefusal(error: unknown): unknown {
  if (error instanceof TimeoutError) return refusal(504, "Gateway Timeout", {}, "timeout");
  if (error instanceof QueueFullError) return overloaded("queue_full");
  if (error instanceof NotLoadedError) return overloaded("not_loaded");
  // Nobody reads this response. The status is for the log, and the same as in nginx.
  if (error instanceof AbandonedError) return refusal(499, "Client Closed Request");
  return error;
}

/** Counts the requests that are being processed. */
class WorkCounter {
  readonly #maxWorking: number;
  #working = 0;

  constructor(maxWorking: number) {
    this.#maxWorking = maxWorking;
  }

  /** @throws {Refusal} 503 if the maximum number of requests is being processed */
  requireRoom(): void {
    if (this.#working >= this.#maxWorking) throw overloaded("concurrency");
  }

  begin(): void {
    this.requireRoom();
    this.#working++;
  }

  end(): void {
    this.#working--;
  }
}

/** An admitted request: the bytes that it keeps in memory, and whether it is being processed. */
export class Grant {
  readonly #request: SentRequest;
  readonly #lease: ByteLease;
  readonly #counter: WorkCounter;
  #isWorking = false;
  #isAbandoned = false;
  #hasEnded = false;
  #abandoned: AbortController | undefined;

  constructor(request: SentRequest, lease: ByteLease, counter: WorkCounter) {
    this.#request = request;
    this.#lease = lease;
    this.#counter = counter;
  }

  /**
   * Aborted when nobody is waiting for the result: the client has disconnected, or a 504 is sent.
   */
  get signal(): AbortSignal {
    // Most requests need none: their responses are in memory.
    this.#abandoned ??= new AbortController();
    if (this.#isAbandoned) this.#abandoned.abort(new AbandonedError());
    return this.#abandoned.signal;
  }

  /**
   * Counts bytes that the request keeps in memory.
   *
   * @throws {Refusal} 503 if all bodies together would exceed their limit
   */
  takeBytes(bytes: number): void {
    this.#requireClient();
    if (!this.#lease.tryGrow(bytes)) throw overloaded("bytes_in_flight");
  }

  /** Gives back the bytes taken so far, which are no longer in memory. */
  releaseBytes(): void {
    this.#lease.release();
  }

  /**
   * Counts the request as being processed.
   *
   * @throws {Refusal} 503 if too many requests are being processed
   */
  beginWork(): void {
    this.#requireClient();
    this.#counter.begin();
    this.#isWorking = true;
  }

  /** Cancels the work and drops the body, unless the work has ended. */
  cancel(): void {
    if (this.#hasEnded) return;
    this.#isAbandoned = true;
    this.#request.discardBody();
    this.#abandoned?.abort(new AbandonedError());
  }

  /** Gives back the bytes, and stops counting the request. */
  end(): void {
    this.#hasEnded = true;
    this.#lease.release();
    if (this.#isWorking) this.#counter.end();
  }

  #requireClient(): void {
    if (this.#isAbandoned) throw new AbandonedError();
  }
}

/**
 * Enforces the limits of the prediction routes. While a body arrives, only its bytes count. The
 * request itself counts only once it is processed, so slow uploads do not block other requests.
 */
export class Admission {
  readonly #requestTimeoutMs: number;
  readonly #budget: ByteBudget;
  readonly #counter: WorkCounter;

  constructor(
    { maxConcurrentRequests, requestTimeoutMs, maxBytesInFlight }: Limits,
    metrics: Metrics,
  ) {
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#budget = new ByteBudget(maxBytesInFlight);
    this.#counter = new WorkCounter(maxConcurrentRequests);
    metrics.observe("http_body_in_flight_bytes", {}, () => this.#budget.usedBytes);
    metrics.observe("http_body_in_flight_limit_bytes", {}, () => maxBytesInFlight);
  }

  /**
   * Runs the work of one request. On timeout, and if the client disconnects, the work is cancelled
   * and its result is discarded.
   *
   * @throws {Refusal} 503 with `Retry-After` (RFC 9110, 10.2.3) if too much is in flight; 504 on
   *   timeout
   */
  async admit<T>(request: SentRequest, work: (grant: Grant) => Promise<T>): Promise<T> {
    this.#counter.requireRoom();
    const grant = new Grant(request, this.#budget.lease(), this.#counter);
    request.onClose(() => grant.cancel());
    try {
      return await withTimeout(this.#requestTimeoutMs, work(grant));
    } catch (error) {
      grant.cancel();
      throw toRefusal(error);
    } finally {
      grant.end();
    }
  }

  /**
   * Counts the bytes of a response until it is sent, or the client has disconnected.
   *
   * @throws {Refusal} 503 if this would exceed the limit
   */
  holdUntilSent(request: SentRequest, bytes: number): void {
    const lease = this.#budget.lease();
    if (!lease.tryGrow(bytes)) throw overloaded("bytes_in_flight");
    if (!request.onClose(() => lease.release())) lease.release();
    request.limitStall(this.#requestTimeoutMs);
  }
}
