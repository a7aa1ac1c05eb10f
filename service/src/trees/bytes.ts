/** Writes bytes one after the other. Integers are written in LEB128. */
export class Bytes {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The bytes so far. Later writes do not change them. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): this {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Writes a few bytes. */
  bytes(values: readonly number[]): this {
    this.#makeRoom(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Writes how many bytes there are, and the bytes. */
  sized(bytes: Uint8Array): this {
    return this.unsigned(bytes.length).append(bytes);
  }

  /** Writes how many parts there are, and the parts. */
  list(parts: readonly Uint8Array[]): this {
    this.unsigned(parts.length);
    for (const part of parts) this.append(part);
    return this;
  }

  /** Writes an integer from 0 to 2^32 - 1: seven bits in each byte, the lowest first. */
  unsigned(value: number): this {
    this.#makeRoom(5);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Writes an integer from -2^31 to 2^31 - 1. The highest of the last seven bits is the sign. */
  signed(value: number): this {
    this.#makeRoom(5);
    let rest = value;
    for (; rest < -64 || rest > 63; rest >>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest & 127;
    return this;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2 + bytes);
    larger.set(this.written);
    this.#bytes = larger;
  }
}
