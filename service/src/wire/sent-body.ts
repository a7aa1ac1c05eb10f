import { createHash, type Hash, hash } from "node:crypto";

/** Longer bodies are hashed while they arrive, and read by another thread. */
export const maxSmallBytes = 64 * 1024;

const minBlockBytes = 4 * 1024;
const maxBlockBytes = 256 * 1024;

/**
 * The body of a request while it arrives. A single small chunk is kept without copying it.
 * Otherwise chunks are copied into blocks: many tiny chunks then need no more memory than a few
 * large ones, a long body is never copied in one piece, and blocks can be transferred to another
 * thread.
 */
export class SentBody {
  #length = 0;
  #only: Uint8Array | undefined;
  #blocks: Uint8Array<ArrayBuffer>[] = [];
  /** The number of bytes in the last block. */
  #filled = 0;
  #hash: Hash | undefined;

  /** The length so far, in bytes. */
  get length(): number {
    return this.#length;
  }

  get isSmall(): boolean {
    return this.#length <= maxSmallBytes;
  }

  /** @returns whether the chunk itself is kept; otherwise its bytes are copied */
  add(chunk: Uint8Array): boolean {
    const isFirst = this.#length === 0;
    this.#length += chunk.length;
    if (isFirst && this.isSmall) {
      this.#only = chunk;
      return true;
    }
    if (this.#only !== undefined) this.#copy(this.#only);
    this.#only = undefined;
    if (!this.isSmall && this.#hash === undefined) {
      this.#hash = createHash("sha256");
      for (const block of this.#filledBlocks()) this.#hash.update(block);
    }
    this.#hash?.update(chunk);
    this.#copy(chunk);
    return false;
  }

  /** The SHA-256 of the whole body, in base64. */
  digest(): string {
    return this.#hash
      ? this.#hash.digest("base64")
      : hash("sha256", this.#only ?? this.bytes(), "base64");
  }

  /** The bytes of a small body. */
  bytes(): Buffer {
    if (this.#only === undefined) return Buffer.concat(this.#filledBlocks());
    const { buffer, byteOffset, byteLength } = this.#only;
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  /** Returns the blocks of a large body, and drops them. */
  take(): Uint8Array<ArrayBuffer>[] {
    const blocks = this.#filledBlocks();
    this.clear();
    return blocks;
  }

  /** Drops all bytes. */
  clear(): void {
    this.#only = undefined;
    this.#blocks = [];
  }

  #filledBlocks(): Uint8Array<ArrayBuffer>[] {
    const last = this.#blocks.length - 1;
    return this.#blocks.map((block, index) =>
      index === last ? block.subarray(0, this.#filled) : block,
    );
  }

  #copy(chunk: Uint8Array): void {
    let copied = 0;
    while (copied < chunk.length) {
      let block = this.#blocks.at(-1);
      if (block === undefined || this.#filled === block.length) {
        const bytes = Math.min(maxBlockBytes, Math.max(minBlockBytes, this.#length));
        block = Buffer.allocUnsafeSlow(bytes);
        this.#blocks.push(block);
        this.#filled = 0;
      }
      const part = chunk.subarray(copied, copied + block.length - this.#filled);
      block.set(part, this.#filled);
      this.#filled += part.length;
      copied += part.length;
    }
  }
}
