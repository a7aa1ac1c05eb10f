import { ascii, isDigit, skipSpace } from "./bytes.ts";

/** A syntax error, with Python's message. */
export class JsonSyntaxError extends SyntaxError {
  /** The number of code points before the error, without a byte-order mark. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** The JSON exceeds a limit of Python's parser: nesting is too deep, or an integer is too long. */
export class JsonLimitError extends RangeError {}

const maxDepth = 900;
const maxIntegerDigits = 4300;

const words = new Map(
  ["null", "true", "false"].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);
const escapes = new Set(Buffer.from('"\\/bfnrt'));
const hexDigits = new Set(Buffer.from("0123456789abcdefABCDEF"));

/** Counts the code points that start in `body[start…end)`: all bytes except UTF-8 continuations. */
function countCodePoints(body: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let index = start; index < end; index++) {
    if (((body[index] ?? 0) & 0xc0) !== 0x80) count++;
  }
  return count;
}

function matches(body: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let index = 0; index < word.length; index++) {
    if (body[at + index] !== word[index]) return false;
  }
  return true;
}

function skipDigits(body: Uint8Array, at: number): number {
  let index = at;
  while (index < body.length && isDigit(body[index])) index++;
  return index;
}

/**
 * Checks that a text is JSON (RFC 8259). Errors have the same messages and offsets as those of
 * CPython's `json` module. Time is proportional to the length, and memory is constant.
 *
 * @param body valid UTF-8
 * @param start the index where the text starts, after a byte-order mark
 * @throws {JsonSyntaxError} if the JSON is malformed
 * @throws {JsonLimitError} if it is nested deeper than 900 levels, or an integer has more than
 *   4,300 digits
 * @see https://github.com/python/cpython/blob/3.11/Modules/_json.c
 */
export function checkSyntax(body: Uint8Array, start: number): void {
  /** For each open container, the byte that closes it. */
  const closers = new Uint8Array(maxDepth);
  let depth = 0;
  let at = skipSpace(body, start);

  function fail(message: string, index: number): never {
    throw new JsonSyntaxError(message, countCodePoints(body, start, index));
  }

  function open(closer: number): void {
    if (depth === maxDepth) throw new JsonLimitError(`nested deeper than ${maxDepth} levels`);
    closers[depth++] = closer;
    at = skipSpace(body, at + 1);
  }

  function skipNumber(): void {
    const first = body[at] === ascii.minus ? at + 1 : at;
    if (!isDigit(body[first])) fail("Expecting value", at);
    const integerEnd = body[first] === ascii.zero ? first + 1 : skipDigits(body, first);
    let end = integerEnd;
    if (body[end] === ascii.point && isDigit(body[end + 1])) end = skipDigits(body, end + 1);
    if (((body[end] ?? 0) | 0x20) === ascii.lowerE) {
      const sign = body[end + 1];
      const digits = sign === ascii.plus || sign === ascii.minus ? end + 2 : end + 1;
      if (isDigit(body[digits])) end = skipDigits(body, digits);
    }
    if (end === integerEnd && end - first > maxIntegerDigits) {
      throw new JsonLimitError(`an integer of more than ${maxIntegerDigits} digits`);
    }
    at = end;
  }

  function skipEscape(quote: number): void {
    const kind = body[at + 1];
    if (kind === undefined) fail("Unterminated string starting at", quote);
    if (kind !== ascii.lowerU) {
      if (!escapes.has(kind)) fail("Invalid \\escape", at);
      at += 2;
      return;
    }
    const end = at + 6;
    // Before it checks the four digits, CPython requires a character after them.
    if (end >= body.length) fail("Invalid \\uXXXX escape", at + 1);
    for (let index = at + 2; index < end; index++) {
      if (!hexDigits.has(body[index] ?? 0)) fail("Invalid \\uXXXX escape", at + 1);
    }
    at = end;
  }

  function skipString(): void {
    const quote = at++;
    for (;;) {
      let byte = body[at];
      while (
        byte !== undefined &&
        byte !== ascii.quote &&
        byte !== ascii.backslash &&
        byte > 0x1f
      ) {
        byte = body[++at];
      }
      if (byte === undefined) fail("Unterminated string starting at", quote);
      if (byte === ascii.quote) break;
      if (byte !== ascii.backslash) fail("Invalid control character at", at);
      skipEscape(quote);
    }
    at++;
  }

  /** Moves past a key and its colon, to the value. */
  function skipKey(): void {
    if (body[at] !== ascii.quote) {
      fail("Expecting property name enclosed in double quotes", at);
    }
    skipString();
    at = skipSpace(body, at);
    if (body[at] !== ascii.colon) fail("Expecting ':' delimiter", at);
    at = skipSpace(body, at + 1);
  }

  /** Moves past a scalar or an empty container. Moves into any other container and returns true. */
  function enterValue(): boolean {
    const byte = body[at];
    if (byte === ascii.openBrace || byte === ascii.openBracket) {
      const closer = byte === ascii.openBrace ? ascii.closeBrace : ascii.closeBracket;
      open(closer);
      if (body[at] !== closer) {
        if (closer === ascii.closeBrace) skipKey();
        return true;
      }
      depth--;
      at++;
      return false;
    }
    if (byte === ascii.quote) skipString();
    else {
      const word = byte === undefined || byte <= ascii.nine ? undefined : words.get(byte);
      if (word === undefined || !matches(body, at, word)) skipNumber();
      else at += word.length;
    }
    return false;
  }

  for (;;) {
    if (enterValue()) continue;
    // After a value, containers may end, or the innermost one continues.
    while (depth > 0) {
      at = skipSpace(body, at);
      const closer = closers[depth - 1];
      if (body[at] === closer) {
        depth--;
        at++;
        continue;
      }
      if (body[at] !== ascii.comma) fail("Expecting ',' delimiter", at);
      at = skipSpace(body, at + 1);
      if (closer === ascii.closeBrace) skipKey();
      break;
    }
    if (depth === 0) break;
  }
  at = skipSpace(body, at);
  if (at < body.length) fail("Extra data", at);
}
