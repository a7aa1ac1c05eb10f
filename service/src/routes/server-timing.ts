/** The phases of a prediction. */
export type Phase = "cache" | "parse" | "inference";

const inMs = (duration: number) => (duration === 0 ? "0" : duration.toFixed(3));

/** Measures the phases of one request for its `Server-Timing` header (W3C Server Timing). */
export class ServerTiming {
  readonly #spentMs: Record<Phase, number> = { cache: 0, parse: 0, inference: 0 };
  #phase: Phase = "cache";
  #since: number;

  /** @param start the result of `performance.now()` at the start. The first phase is `cache` */
  constructor(start: number) {
    this.#since = start;
  }

  /** Ends the current phase, and starts or continues another one. */
  enter(phase: Phase): void {
    const now = performance.now();
    this.#spentMs[this.#phase] += now - this.#since;
    this.#phase = phase;
    this.#since = now;
  }

  /**
   * Ends the current phase, and returns the durations in milliseconds, such as
   * `parse;dur=0.041, cache;dur=0.120, inference;dur=0`.
   */
  header(): string {
    this.enter("cache");
    const { cache, parse, inference } = this.#spentMs;
    return `parse;dur=${inMs(parse)}, cache;dur=${inMs(cache)}, inference;dur=${inMs(inference)}`;
  }
}
