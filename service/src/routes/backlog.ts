/** The cost of a prediction with one record, in bytes of a body that cost as much to predict. */
const baseBytes = 2_048;

/**
 * This many predictions may always wait, however slow the model is. Many load tests have 64 clients,
 * each of which sends its next request after its last response.
 */
export const alwaysAccepted = 64;

/**
 * The rate is measured from the time `crowd` wait until less than `few` do. With few, it would be
 * lower than the processor allows.
 */
const crowd = 32;
const few = 8;

/** The rate is that of about the last 250 ms in which it was measured. */
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
  #isMeasuring = false;
  #measuredUntil = 0;
  /** The time in which the rate was measured, and the bytes of the predictions that finished in it. */
  #measuredMs = 0;
  #finishedBytes = 0;
  /** In bytes per millisecond. Unlimited until it has been measured for long enough. */
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
    this.#bytes += baseBytes + bodyBytes;
    if (++this.#predictions < crowd || this.#isMeasuring) return;
    this.#isMeasuring = true;
    this.#measuredUntil = this.#now();
  }

  /**
   * A prediction has waited.
   *
   * @param isFinished false if it was cancelled
   */
  leave(bodyBytes: number, isFinished: boolean): void {
    this.#bytes -= baseBytes + bodyBytes;
    this.#predictions--;
    if (!this.#isMeasuring) return;
    const now = this.#now();
    this.#measuredMs += now - this.#measuredUntil;
    this.#measuredUntil = now;
    if (isFinished) this.#finishedBytes += baseBytes + bodyBytes;
    if (this.#measuredMs >= windowMs) this.#updateRate();
    if (this.#predictions < few) this.#isMeasuring = false;
  }

  #updateRate(): void {
    this.#rate = this.#finishedBytes / this.#measuredMs;
    // Halves what is known, so that it is forgotten over time.
    this.#measuredMs = windowMs / 2;
    this.#finishedBytes = this.#rate * this.#measuredMs;
  }
}
