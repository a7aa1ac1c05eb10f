/** The cost of a prediction with one record, in bytes of a body that cost as much to predict. */
const baseBytes = 2_048;

/** So many predictions are always accepted: a rate is measured, so it may be wrong for a moment. */
const alwaysAccepted = 32;

/** The rate is that of about the last busy 250 ms. */
const windowMs = 250;

/**
 * The predictions that wait for the processor, and the rate at which it finishes them. From both
 * follows how long another prediction would wait. A prediction costs about as much as its body is
 * long.
 */
export class Backlog {
  readonly #maxWaitMs: number;
  readonly #now: () => number;
  #predictions = 0;
  #bytes = 0;
  #busySince = 0;
  /** The time with predictions that wait, and the bytes of those that finished in it. */
  #busyMs = 0;
  #finishedBytes = 0;
  /** In bytes per millisecond. Unlimited until there was enough work to measure it. */
  #rate = Number.POSITIVE_INFINITY;

  /** @param now returns the time in milliseconds */
  constructor(maxWaitMs: number, now: () => number = () => performance.now()) {
    this.#maxWaitMs = maxWaitMs;
    this.#now = now;
  }

  /**
   * Returns whether another prediction would wait longer than `maxWaitMs`. The model's time is
   * divided equally among all predictions, so one with a short body waits less than one with a long
   * body.
   *
   * @param bodyBytes the length of its body
   */
  isTooLongFor(bodyBytes: number): boolean {
    if (this.#predictions < alwaysAccepted) return false;
    const ahead = Math.min(this.#bytes, this.#predictions * (baseBytes + bodyBytes));
    return ahead > this.#rate * this.#maxWaitMs;
  }

  /** A prediction with a body of this length begins to wait. */
  enter(bodyBytes: number): void {
    if (this.#predictions++ === 0) this.#busySince = this.#now();
    this.#bytes += baseBytes + bodyBytes;
  }

  /**
   * A prediction has waited.
   *
   * @param isFinished false if it was cancelled
   */
  leave(bodyBytes: number, isFinished: boolean): void {
    const now = this.#now();
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
    this.#predictions--;
    this.#bytes -= baseBytes + bodyBytes;
    if (isFinished) this.#finishedBytes += baseBytes + bodyBytes;
    if (this.#busyMs >= windowMs) this.#measureRate();
  }

  #measureRate(): void {
    this.#rate = this.#finishedBytes / this.#busyMs;
    // Halves what is known, so that it is forgotten over time.
    this.#busyMs = windowMs / 2;
    this.#finishedBytes = this.#rate * this.#busyMs;
  }
}
