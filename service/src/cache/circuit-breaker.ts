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

/**
 * Keeps calls from a dependency that fails (M. Nygard, "Release It!", 2nd ed., ch. 5):
 *
 * 1. closed: every call passes; `failureThreshold` failures in a row open it;
 * 2. open: no call passes for a while;
 * 3. then one call passes as a probe: its success closes the circuit, its failure opens it for
 *    twice as long.
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

  /** Whether a call may pass now. Each that does ends in `succeed` or `fail`. */
  tryPass(): boolean {
    if (this.isClosed) return true;
    if (this.#probing || this.#now() < this.#retryAt) return false;
    this.#probing = true;
    return true;
  }

  succeed(): void {
    this.#failures = 0;
    this.#openMs = 0;
    this.#probing = false;
  }

  /** @returns whether it was the probe of an open circuit that failed */
  fail(): boolean {
    const wasProbe = this.#probing;
    this.#probing = false;
    this.#failures++;
    if (wasProbe || (this.isClosed && this.#failures >= this.#options.failureThreshold)) {
      const { minOpenMs, maxOpenMs } = this.#options;
      this.#openMs = Math.min(maxOpenMs, Math.max(minOpenMs, 2 * this.#openMs));
      this.#retryAt = this.#now() + this.#openMs;
    }
    return wasProbe;
  }
}
