/** How many responses a turn of the event loop sends if few wait, and which share of many. */
const perTurn = 2;
const shareOfTurn = 1 / 64;

/**
 * Holds back responses to refused requests. Clients that send their next request as soon as one is
 * refused would otherwise leave no time for the requests that are not refused.
 */
export class RefusalPace {
  #waiting: (() => void)[] = [];

  /** Resolves when the response should be sent. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const count = Math.max(perTurn, Math.ceil(this.#waiting.length * shareOfTurn));
    const due = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    if (this.#waiting.length > 0) setImmediate(() => this.#send());
    for (const send of due) send();
  }
}
