const STATE_WORDS = 624;
const MIDDLE_WORD = 397;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;
const TWIST = 0x9908b0df;

/**
 * The Mersenne Twister MT19937, seeded and sampled as NumPy's legacy `RandomState` does, so that
 * a seed gives the same sequence here and there.
 *
 * Source: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), with the
 * initialization of 2002 (`init_genrand`).
 */
export class Mt19937 {
  readonly #state = new Uint32Array(STATE_WORDS);
  #position = STATE_WORDS;

  /** @param seed - an integer from 0 to 2³² − 1 */
  constructor(seed: number) {
    let word = seed >>> 0;
    this.#state[0] = word;
    for (let i = 1; i < STATE_WORDS; i += 1) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0;
      this.#state[i] = word;
    }
  }

  /** The next 32 random bits, as an integer from 0 to 2³² − 1. */
  nextUint32(): number {
    if (this.#position === STATE_WORDS) {
      this.#regenerate();
    }
    let bits = this.#word(this.#position);
    this.#position += 1;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return bits >>> 0;
  }

  /**
   * A uniform integer from 0 to `maximum`, both included: random bits under the smallest mask that
   * covers `maximum`, drawn again while they exceed it (NumPy's `random_interval`).
   *
   * @param maximum - an integer from 0 to 2³² − 1
   */
  nextInteger(maximum: number): number {
    const mask = maximum === 0 ? 0 : 0xffffffff >>> Math.clz32(maximum);
    let value = 0;
    do {
      value = maximum === 0 ? 0 : (this.nextUint32() & mask) >>> 0;
    } while (value > maximum);
    return value;
  }

  #word(index: number): number {
    return this.#state[index % STATE_WORDS] ?? 0;
  }

  #regenerate(): void {
    for (let i = 0; i < STATE_WORDS; i += 1) {
      const bits = (this.#word(i) & UPPER_BIT) | (this.#word(i + 1) & LOWER_BITS);
      const twist = (bits & 1) === 1 ? TWIST : 0;
      this.#state[i] = this.#word(i + MIDDLE_WORD) ^ (bits >>> 1) ^ twist;
    }
    this.#position = 0;
  }
}
