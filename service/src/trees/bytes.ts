/** A growing sequence of bytes. Integers are written as LEB128, in as few bytes as possible. */
export class Bytes {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The bytes written so far. Later writes do not change them. */
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

  /** Writes the number of bytes, then the bytes. */
  sized(bytes: Uint8Array): this {
    return this.unsigned(bytes.length).append(bytes);
  }

  /** Writes the number of parts, then the parts. */
  list(parts: readonly Uint8Array[]): this {
    this.unsigned(parts.length);
    for (const part of parts) this.append(part);
    return this;
  }

  /** Writes an unsigned integer of at most 32 bits: seven bits per byte, the lowest first. */
  unsigned(value: number): this {
    this.#makeRoom(5);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Writes a signed integer of at most 32 bits. The highest of the last seven bits is the sign. */
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
