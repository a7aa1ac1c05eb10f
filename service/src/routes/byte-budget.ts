import { maxSmallBytes } from "../wire/sent-body.ts";

/** The part of the budget that large bodies may use. */
const largeShare = 3 / 4;

/** The smallest budget in which a body of this length has room. */
export function minBudgetBytes(maxBodyBytes: number): number {
  return Math.ceil(maxBodyBytes / largeShare);
}

/**
 * A number of bytes that all bodies share while they are in memory. Large bodies leave a part of it to
 * small ones, so that they never shut these out.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #maxLargeBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxLargeBytes = Math.floor(maxBytes * largeShare);
  }

  /** How many bytes are in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Begins to count the bytes of one request. */
  lease(): ByteLease {
    return new ByteLease(this);
  }

  /** @param ownBytes what the request would have in all */
  tryTake(bytes: number, ownBytes: number): boolean {
    const limit = ownBytes > maxSmallBytes ? this.#maxLargeBytes : this.#maxBytes;
    if (this.#usedBytes + bytes > limit) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** The bytes of one request. */
export class ByteLease {
  readonly #budget: ByteBudget;
  #bytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Takes more bytes; false if the budget has no room for them. */
  tryGrow(bytes: number): boolean {
    if (!this.#budget.tryTake(bytes, this.#bytes + bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives all its bytes back. */
  release(): void {
    this.#budget.giveBack(this.#bytes);
    this.#bytes = 0;
  }
}
