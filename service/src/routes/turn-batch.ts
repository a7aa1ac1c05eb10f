/**
 * Batches responses that become ready in the same turn of the event loop, so that they are sent
 * together at its end: many small writes in a row cost less than the same ones apart. A single
 * response would only be delayed by that, so responses wait only while turns have several of them.
 */
export class TurnBatch {
  #waiting: (() => void)[] = [];
  #ready = 0;
  #readyInLastTurn = 0;

  /** Resolves when a response should be sent; returns nothing if that is now. */
  join(): Promise<void> | undefined {
    if (this.#ready++ === 0) setImmediate(() => this.#endTurn());
    if (this.#ready === 1 && this.#readyInLastTurn <= 1) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #endTurn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#readyInLastTurn = this.#ready;
    this.#ready = 0;
    for (const send of waiting) send();
  }
}
