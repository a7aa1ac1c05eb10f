/** Bytes that are written one after the other. Integers take as few bytes as LEB128 needs. */
export class Bytes {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** What is written so far. Writing more does not change it. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): this {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** A few bytes. */
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

  /** Bytes behind their number. */
  sized(bytes: Uint8Array): this {
    return this.unsigned(bytes.length).append(bytes);
  }

  /** Parts behind their number. */
  list(parts: readonly Uint8Array[]): this {
    this.unsigned(parts.length);
    for (const part of parts) this.append(part);
    return this;
  }

  /** An integer of at most 32 bits: seven in each byte, the lowest first. */
  unsigned(value: number): this {
    this.#makeRoom(5);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** An integer of at most 32 bits and a sign, which is the highest of the last seven bits. */
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
