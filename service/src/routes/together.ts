/**
 * Lets answers that become ready in one turn of the event loop be sent together at its end: many
 * small writes in a row cost less than as many apart. A single one would only be delayed by it, so
 * answers wait only while turns have more than one.
 */
export class Together {
  #waiting: (() => void)[] = [];
  #ready = 0;
  #readyBefore = 0;

  /** When to send an answer: at once, or at the end of this turn where there are more to send. */
  moment(): Promise<void> | undefined {
    if (this.#ready++ === 0) setImmediate(() => this.#endTurn());
    if (this.#ready === 1 && this.#readyBefore <= 1) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #endTurn(): void {
    const sent = this.#waiting;
    this.#waiting = [];
    this.#readyBefore = this.#ready;
    this.#ready = 0;
    for (const send of sent) send();
  }
}
