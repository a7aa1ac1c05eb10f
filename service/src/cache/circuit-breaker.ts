/** Settings of {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** So many failures in a row open the circuit. */
  readonly failureThreshold: number;
  /** How long it first stays open; doubled by each failed probe. */
  readonly minOpenMs: number;
  readonly maxOpenMs: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** What passes a circuit: a call through a closed one, or the probe of an open one. */
export type Passage = "call" | "probe";

/**
 * Keeps calls from a dependency that fails (M. Nygard, "Release It!", 2nd ed., ch. 5):
 *
 * 1. closed: every call passes; `failureThreshold` failures in a row open it;
 * 2. open: no call passes for a while;
 * 3. then one call passes as a probe: its success closes the circuit, its failure opens it for
 *    twice as long.
 *
 * An open circuit heeds its probe only: other calls that end now were sent before it opened.
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

  /** False in states 2 and 3. */
  get isClosed(): boolean {
    return this.#openMs === 0;
  }

  /**
   * Whether a call may pass now, and as what: each that does ends in `succeed` or `fail`, which are
   * told.
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
