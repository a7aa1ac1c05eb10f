import { maxSmallBytes } from "../wire/sent-body.ts";

/** The share of the budget that large bodies may use. */
const largeShare = 3 / 4;

/** Returns the smallest budget that has room for a body of this length. */
export function minBudgetBytes(maxBodyBytes: number): number {
  return Math.ceil(maxBodyBytes / largeShare);
}

/**
 * A limit for the total bytes of all bodies in memory. Large bodies may not use all of it, so there
 * is always room for small ones.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #maxLargeBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxLargeBytes = Math.floor(maxBytes * largeShare);
  }

  /** The number of bytes in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Starts counting the bytes of one request. */
  lease(): ByteLease {
    return new ByteLease(this);
  }

  /**
   * Takes bytes; returns false if there is no room for them.
   *
   * @param ownBytes the total bytes of the request, including these
   */
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

/** The bytes in use by one request. */
export class ByteLease {
  readonly #budget: ByteBudget;
  #bytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Takes more bytes; returns false if there is no room for them. */
  tryGrow(bytes: number): boolean {
    if (!this.#budget.tryTake(bytes, this.#bytes + bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives back all bytes. */
  release(): void {
    this.#budget.giveBack(this.#bytes);
    this.#bytes = 0;
  }
}
