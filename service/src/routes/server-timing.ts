/** What a prediction spends its time on. */
export type Phase = "cache" | "parse" | "inference";

const inMs = (duration: number) => (duration === 0 ? "0" : duration.toFixed(3));

/** Times the phases of one request for its `Server-Timing` header (W3C Server Timing). */
export class ServerTiming {
  readonly #spentMs: Record<Phase, number> = { cache: 0, parse: 0, inference: 0 };
  #phase: Phase = "cache";
  #since: number;

  /** @param start of the request, by `performance.now()`; its first phase is the cache's */
  constructor(start: number) {
    this.#since = start;
  }

  /** Ends the phase that the request is in, and begins another, or goes on with an earlier one. */
  enter(phase: Phase): void {
    const now = performance.now();
    this.#spentMs[this.#phase] += now - this.#since;
    this.#phase = phase;
    this.#since = now;
  }

  /** Ends the last phase. Durations in milliseconds: `parse;dur=0.041, cache;dur=0.120,
   * inference;dur=0`. */
  header(): string {
    this.enter("cache");
    const { cache, parse, inference } = this.#spentMs;
    return `parse;dur=${inMs(parse)}, cache;dur=${inMs(cache)}, inference;dur=${inMs(inference)}`;
  }
}
