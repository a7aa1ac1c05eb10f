import { requestsPerBatch } from "../requests-per-batch.ts";

/**
 * Batches responses that are ready in the same turn of the event loop. They are sent together at
 * the end of the turn or once there are enough, since many small writes in a row are faster than
 * the same writes apart. This would only delay a single response, so responses wait only while
 * turns have several of them.
 */
export class TurnBatch {
  #waiting: (() => void)[] = [];
  #ready = 0;
  #readyInLastTurn = 0;

  /** Resolves when the response should be sent. Returns `undefined` to send it immediately. */
  join(): Promise<void> | undefined {
    if (this.#ready++ === 0) setImmediate(() => this.#endTurn());
    if (this.#ready === 1 && this.#readyInLastTurn <= 1) return undefined;
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === requestsPerBatch) this.#send();
    });
  }

  #endTurn(): void {
    this.#readyInLastTurn = this.#ready;
    this.#ready = 0;
    this.#send();
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const send of waiting) send();
  }
}
