/** Something did not settle in time. */
export class TimeLimitError extends Error {}

interface Wait {
  readonly deadline: number;
  readonly reject: (error: TimeLimitError) => void;
}

/** For how long promises are waited for; one timer serves them all. */
export class TimeLimit {
  readonly #timeoutMs: number;
  /** The oldest first, which is the next to be over. */
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Waits for a promise. What it stands for is not stopped; its late outcome is dropped.
   *
   * @throws {TimeLimitError}
   */
  within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = { deadline: performance.now() + this.#timeoutMs, reject };
      this.#waits.add(wait);
      this.#timer ??= this.#expireAfter(this.#timeoutMs);
      promise.then(
        (value) => {
          this.#waits.delete(wait);
          resolve(value);
        },
        (error: unknown) => {
          this.#waits.delete(wait);
          reject(error);
        },
      );
    });
  }

  #expireAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), ms).unref();
  }

  #expire(): void {
    const now = performance.now();
    this.#timer = undefined;
    for (const wait of this.#waits) {
      if (wait.deadline > now) {
        this.#timer = this.#expireAfter(wait.deadline - now);
        return;
      }
      this.#waits.delete(wait);
      wait.reject(new TimeLimitError(`not settled within ${this.#timeoutMs} ms`));
    }
  }
}
