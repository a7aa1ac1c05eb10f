import { hash, timingSafeEqual } from "node:crypto";

/** A text contains no token, or an invalid one. The message does not quote the text. */
export class TokensError extends Error {}

/** What RFC 6750 allows as a token. A short one could be guessed. */
const valid = /^[\w.~+/-]{16,}=*$/;

const sha256 = (text: string): Buffer => hash("sha256", text, "buffer");

function parseLine(line: string, index: number): Buffer[] {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return [];
  if (valid.test(text)) return [sha256(text)];
  throw new TokensError(
    `found an invalid token in line ${index + 1}; allowed: 16 or more letters, digits and -._~+/, and = at the end`,
  );
}

/** The API tokens that clients may send. Only their SHA-256 digests are kept. */
export class Tokens {
  readonly #digests: readonly Buffer[];

  /**
   * @param text one token per line. Blank lines, and lines that begin with `#`, are ignored
   * @throws {TokensError} if a token is invalid, or there is none
   */
  constructor(text: string) {
    this.#digests = text.split("\n").flatMap(parseLine);
    if (this.#digests.length === 0) {
      throw new TokensError("found no tokens; allowed: one or more, each on a line of its own");
    }
  }

  /** The number of tokens. */
  get size(): number {
    return this.#digests.length;
  }

  /**
   * Returns whether this is one of the tokens. The time that this takes does not reveal how much of
   * it is correct.
   */
  has(token: string): boolean {
    const sent = sha256(token);
    let isKnown = false;
    for (const digest of this.#digests) {
      if (timingSafeEqual(digest, sent)) isKnown = true;
    }
    return isKnown;
  }
}
