const stateWords = 624;
const middleWord = 397;
const upperBit = 0x80000000;
const lowerBits = 0x7fffffff;
const twistMatrix = 0x9908b0df;

/**
 * The Mersenne Twister MT19937. It is seeded and sampled like NumPy's legacy `RandomState`, so a
 * seed gives the same sequence in both.
 *
 * Source: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), with the
 * initialization from 2002 (`init_genrand`).
 */
export class Mt19937 {
  readonly #state = new Uint32Array(stateWords);
  #position = stateWords;

  /** @param seed an integer from 0 to 2³² − 1 */
  constructor(seed: number) {
    let word = seed >>> 0;
    this.#state[0] = word;
    for (let i = 1; i < stateWords; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0;
      this.#state[i] = word;
    }
  }

  /** Returns the next 32 random bits, as an integer from 0 to 2³² − 1. */
  nextUint32(): number {
    if (this.#position === stateWords) this.#regenerate();
    let bits = this.#word(this.#position);
    this.#position++;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return bits >>> 0;
  }

  /**
   * Returns a uniform integer from 0 to `maximum`, inclusive. Draws as many random bits as
   * `maximum` has, and draws again if the result exceeds it (NumPy's `random_interval`).
   *
   * @param maximum an integer from 0 to 2³² − 1
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
    return this.#state[index % stateWords] ?? 0;
  }

  #regenerate(): void {
    for (let i = 0; i < stateWords; i++) {
      const bits = (this.#word(i) & upperBit) | (this.#word(i + 1) & lowerBits);
      const twist = (bits & 1) === 1 ? twistMatrix : 0;
      this.#state[i] = this.#word(i + middleWord) ^ (bits >>> 1) ^ twist;
    }
    this.#position = 0;
  }
}
