/** Times the phases of one request for its `Server-Timing` header (W3C Server Timing). */
export class ServerTiming {
  #start = performance.now();
  #header = "";

  /** Ends the phase that began with the last lap, or with the construction. */
  lap(phase: string): void {
    const now = performance.now();
    this.#header += `${this.#header && ", "}${phase};dur=${(now - this.#start).toFixed(3)}`;
    this.#start = now;
  }

  /** Durations in milliseconds: `parse;dur=0.041, inference;dur=0.120`. */
  header(): string {
    return this.#header;
  }
}
