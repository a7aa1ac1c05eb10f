/** Settings of {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** The circuit opens after this many failures in a row. */
  readonly failureThreshold: number;
  /** How long the circuit first stays open. Each failed probe doubles it, up to `maxOpenMs`. */
  readonly minOpenMs: number;
  readonly maxOpenMs: number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** The state of a {@link CircuitBreaker}. */
export type CircuitState = "closed" | "open" | "half_open";

/** What may pass: a call if the circuit is closed, or a probe if it is open. */
export type Passage = "call" | "probe";

/**
 * Stops calls to a failing dependency (M. Nygard, "Release It!", 2nd ed., ch. 5):
 *
 * 1. closed: every call passes; `failureThreshold` failures in a row open the circuit;
 * 2. open: no call passes for a while;
 * 3. half-open: one call passes as a probe. Success closes the circuit, failure opens it again for
 *    twice as long.
 *
 * While open, only the probe's result counts. Other results are of calls that started earlier.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #now: () => number;
  #failures = 0;
  #openMs = 0;
  #retryAt = 0;
  #probing = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The state, as in the list above. */
  get state(): CircuitState {
    if (this.isClosed) return "closed";
    return this.#probing ? "half_open" : "open";
  }

  /** False in states 2 and 3. */
  get isClosed(): boolean {
    return this.#openMs === 0;
  }

  /** Whether the circuit is closed and the latest call succeeded; true before the first call. */
  get isHealthy(): boolean {
    return this.isClosed && this.#failures === 0;
  }

  /**
   * Whether a call may pass now, and as what. Report the result of each call that passes to
   * `succeed` or `fail`.
   */
  tryPass(): Passage | false {
    if (this.isClosed) return "call";
    if (this.#probing || this.#now() < this.#retryAt) return false;
    this.#probing = true;
    return "probe";
  }

  succeed(passage: Passage): void {
    this.#failures = 0;
    if (passage === "call") return;
    this.#probing = false;
    this.#openMs = 0;
  }

  fail(passage: Passage): void {
    this.#failures++;
    if (passage === "probe") this.#probing = false;
    else if (!this.isClosed || this.#failures < this.#options.failureThreshold) return;
    const { minOpenMs, maxOpenMs } = this.#options;
    this.#openMs = Math.min(maxOpenMs, Math.max(minOpenMs, 2 * this.#openMs));
    this.#retryAt = this.#now() + this.#openMs;
  }
}
