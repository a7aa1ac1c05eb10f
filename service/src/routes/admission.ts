import { QueueFullError } from "../model/batcher.ts";
import { AbandonedError } from "../model/engine.ts";
import { NotLoadedError } from "../model/served-model.ts";
import type { RejectionReason } from "../telemetry/metric-table.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { SentRequest } from "../wire/sent-request.ts";
import { Backlog } from "./backlog.ts";
import { ByteBudget, type ByteLease } from "./byte-budget.ts";
import type { Limits } from "./limits.ts";

function overloaded(reason: RejectionReason): Refusal {
  return refusal(503, "Service Unavailable", { "Retry-After": "1" }, reason);
}

// Created once, since the stack trace of an error takes a good part of the time of a refusal.
const tooMany = overloaded("concurrency");
const tooSlow = overloaded("wait");
const tooManyBytes = overloaded("bytes_in_flight");
const queueFull = overloaded("queue_full");

function toRefusal(error: unknown): unknown {
  if (error instanceof TimeoutError) return refusal(504, "Gateway Timeout", {}, "timeout");
  if (error instanceof QueueFullError) return queueFull;
  if (error instanceof NotLoadedError) return overloaded("not_loaded");
  // Nobody reads this response. The status is for the log, and the same as in nginx.
  if (error instanceof AbandonedError) return refusal(499, "Client Closed Request");
  return error;
}

/** Counts the requests that are being processed, and those of them that wait for the processor. */
class Work {
  readonly backlog: Backlog;
  readonly #maxRequests: number;
  #requests = 0;

  constructor({ maxConcurrentRequests, maxWaitMs }: Limits) {
    this.#maxRequests = maxConcurrentRequests;
    this.backlog = new Backlog(maxWaitMs);
  }

  /** @throws {Refusal} 503 if too many requests are being processed, or it would wait too long */
  requireRoom(bodyBytes: number): void {
    if (this.#requests >= this.#maxRequests) throw tooMany;
    if (this.backlog.isTooLongFor(bodyBytes)) throw tooSlow;
  }

  begin(bodyBytes: number): void {
    this.requireRoom(bodyBytes);
    this.#requests++;
  }

  end(): void {
    this.#requests--;
  }
}

/** An admitted request: the bytes that it keeps in memory, and whether it is being processed. */
export class Grant {
  readonly #request: SentRequest;
  readonly #lease: ByteLease;
  readonly #work: Work;
  #isWorking = false;
  #isWaiting = false;
  #bodyBytes = 0;
  #isAbandoned = false;
  #hasEnded = false;
  #abandoned: AbortController | undefined;

  constructor(request: SentRequest, lease: ByteLease, work: Work) {
    this.#request = request;
    this.#lease = lease;
    this.#work = work;
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
    if (!this.#lease.tryGrow(bytes)) throw tooManyBytes;
  }

  /** Gives back the bytes taken so far, which are no longer in memory. */
  releaseBytes(): void {
    this.#lease.release();
  }

  /**
   * Counts the request as being processed.
   *
   * @param bodyBytes the length of its body
   * @throws {Refusal} 503 if too many requests are being processed, or it would wait too long
   */
  beginWork(bodyBytes: number): void {
    this.#requireClient();
    this.#work.begin(bodyBytes);
    this.#isWorking = true;
    this.#bodyBytes = bodyBytes;
  }

  /** Counts the request as one that waits for the processor, until its work ends. */
  beginWait(): void {
    if (this.#isWaiting || this.#hasEnded) return;
    this.#isWaiting = true;
    this.#work.backlog.enter(this.#bodyBytes);
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
    if (this.#isWorking) this.#work.end();
    if (this.#isWaiting) this.#work.backlog.leave(this.#bodyBytes, !this.#isAbandoned);
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
  readonly #work: Work;

  constructor(limits: Limits, metrics: Metrics) {
    const { requestTimeoutMs, maxBytesInFlight } = limits;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#budget = new ByteBudget(maxBytesInFlight);
    this.#work = new Work(limits);
    metrics.observe("http_body_in_flight_bytes", {}, () => this.#budget.usedBytes);
    metrics.observe("http_body_in_flight_limit_bytes", {}, () => maxBytesInFlight);
  }

  /**
   * Runs the work of one request. On timeout, and if the client disconnects, the work is cancelled
   * and its result is discarded.
   *
   * @throws {Refusal} 503 with `Retry-After` (RFC 9110, 10.2.3) if too much is in flight, before the
   *   body is read if possible; 504 on timeout
   */
  async admit<T>(request: SentRequest, work: (grant: Grant) => Promise<T>): Promise<T> {
    this.#work.requireRoom(Number(request.header("content-length") ?? 0));
    const grant = new Grant(request, this.#budget.lease(), this.#work);
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
    if (!lease.tryGrow(bytes)) throw tooManyBytes;
    if (!request.onClose(() => lease.release())) lease.release();
    request.limitStall(this.#requestTimeoutMs);
  }
}
