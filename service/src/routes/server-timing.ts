/** What a prediction spends its time on. */
export type Phase = "cache" | "parse" | "inference";

/** Times the phases of one request for its `Server-Timing` header (W3C Server Timing). */
export class ServerTiming {
  readonly #durationsMs = new Map<Phase, number>();
  #phase: Phase;
  #since = performance.now();

  constructor(phase: Phase) {
    this.#phase = phase;
  }

  /** Ends the phase that the request is in, and begins another, or goes on with an earlier one. */
  enter(phase: Phase): void {
    const now = performance.now();
    const spentMs = this.#durationsMs.get(this.#phase) ?? 0;
    this.#durationsMs.set(this.#phase, spentMs + now - this.#since);
    this.#phase = phase;
    this.#since = now;
  }

  /** Ends the last phase. Durations in milliseconds: `cache;dur=0.041, parse;dur=0.120`. */
  header(): string {
    this.enter(this.#phase);
    const phases = Array.from(this.#durationsMs, ([phase, ms]) => `${phase};dur=${ms.toFixed(3)}`);
    return phases.join(", ");
  }
}
