/** Bytes that are written one after the other. Numbers take as few as LEB128 needs. */
export class Bytes {
  #bytes = new Uint8Array(1024);
  #length = 0;

  /** What is written so far. Writing more does not change it. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): this {
    this.#makeRoom(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
    return this;
  }

  /** A few bytes. */
  bytes(values: readonly number[]): this {
    for (const value of values) this.byte(value);
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
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.byte((rest & 127) | 128);
    return this.byte(rest);
  }

  /** An integer of at most 32 bits and a sign, which is the highest of the last seven bits. */
  signed(value: number): this {
    let rest = value;
    for (; rest < -64 || rest > 63; rest >>= 7) this.byte((rest & 127) | 128);
    return this.byte(rest & 127);
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.written);
    this.#bytes = larger;
  }
}
