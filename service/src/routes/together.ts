/**
 * Lets answers that become ready in one turn of the event loop be sent together at its end: many
 * small writes in a row cost less than many apart. A single one would only be delayed by it.
 */
export class Together {
  #waiting: (() => void)[] = [];

  /** Settles at the end of this turn. */
  endOfTurn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#settle());
    });
  }

  #settle(): void {
    const settled = this.#waiting;
    this.#waiting = [];
    for (const resolve of settled) resolve();
  }
}
