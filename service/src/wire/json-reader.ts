/**
 * A JSON value that keeps what `JSON.parse` loses: the order of an object's keys, whether a number
 * is an integer (a bigint) or a float, and an integer's digits. A duplicate key keeps its first
 * place and its last value.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export type JsonObject = Map<string, JsonValue>;

/** A syntax error in Python's words. */
export class JsonSyntaxError extends SyntaxError {
  /** In code points from the start of the text, a byte-order mark not counted. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Well-formed so far, but beyond what Python's reader takes: too deep, or too many digits. */
export class JsonLimitError extends RangeError {}

const maxDepth = 900;
const maxIntegerDigits = 4300;

const whiteSpace = /[ \t\n\r]*/y;
const literal = /null|true|false/y;
const number = /-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const lowSurrogate = /[\udc00-\udfff]/g;
/** Everything up to the character that ends a run: quote, backslash or control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in a string.
const stringRun = /[^"\\\u0000-\u001f]*/y;
const fourHexDigits = /[0-9a-fA-F]{4}/y;

const literals: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ["null", null],
  ["true", true],
  ["false", false],
]);
/** What a reader keeps of a large text; the rest is only checked and counted. */
export interface ReadLimits {
  /** Of an array: so many items, and its length. */
  readonly maxItems: number;
  /** Of an object: so many keys, and these whatever their place. */
  readonly maxKeys: number;
  readonly names: ReadonlySet<string>;
}

/**
 * Reads JSON (RFC 8259) as CPython's `json` module does, and fails with its messages at its
 * offsets. Slower than `JSON.parse`: for texts that are to be explained, not for those that pass.
 *
 * @throws {JsonSyntaxError} malformed JSON
 * @throws {JsonLimitError} nesting deeper than 900, or an integer of more than 4,300 digits
 * @see https://github.com/python/cpython/blob/3.11/Modules/_json.c
 */
export function readJson(text: string, limits: ReadLimits): JsonValue {
  const { maxItems, maxKeys, names } = limits;
  let index = 0;

  function fail(message: string, at: number): never {
    const secondHalves = text.slice(0, at).match(lowSurrogate)?.length ?? 0;
    throw new JsonSyntaxError(message, at - secondHalves);
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = index;
    const found = pattern.exec(text);
    if (found) index = pattern.lastIndex;
    return found;
  }

  /** Moves past white space, then past the character if it is next. */
  function skip(character?: string): boolean {
    match(whiteSpace);
    if (character === undefined || text[index] !== character) return false;
    index++;
    return true;
  }

  function readValue(depth: number): JsonValue {
    const next = text[index];
    if (next === '"') return readString();
    if (next === "{" || next === "[") {
      if (depth === maxDepth) throw new JsonLimitError(`nested deeper than ${maxDepth}`);
      index++;
      return next === "{" ? readObject(depth + 1) : readArray(depth + 1);
    }
    const word = match(literal);
    if (word) return literals.get(word[0]) ?? null;
    const found = match(number);
    return found ? toNumber(found) : fail("Expecting value", index);
  }

  function toNumber([source, integer = "", fraction, exponent]: RegExpExecArray): JsonValue {
    if (fraction !== undefined || exponent !== undefined) return Number(source);
    if (integer.length > maxIntegerDigits) {
      throw new JsonLimitError(`an integer of more than ${maxIntegerDigits} digits`);
    }
    return BigInt(source);
  }

  function readArray(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    if (skip("]")) return items;
    for (let length = 1; ; length++) {
      const item = readValue(depth);
      if (length <= maxItems) items.push(item);
      if (skip("]")) {
        items.length = length;
        return items;
      }
      if (!skip(",")) fail("Expecting ',' delimiter", index);
      skip();
    }
  }

  function readObject(depth: number): JsonObject {
    const entries: JsonObject = new Map();
    if (skip("}")) return entries;
    for (;;) {
      if (text[index] !== '"') fail("Expecting property name enclosed in double quotes", index);
      const key = readString();
      if (!skip(":")) fail("Expecting ':' delimiter", index);
      skip();
      const value = readValue(depth);
      if (entries.size < maxKeys || names.has(key) || entries.has(key)) entries.set(key, value);
      if (skip("}")) return entries;
      if (!skip(",")) fail("Expecting ',' delimiter", index);
      skip();
    }
  }

  /** Checks a string piece by piece, and leaves its making to `JSON.parse`. */
  function readString(): string {
    const start = index++;
    for (;;) {
      match(stringRun);
      const end = text[index];
      if (end === undefined) fail("Unterminated string starting at", start);
      if (end !== '"' && end !== "\\") fail("Invalid control character at", index);
      if (end === '"') return JSON.parse(text.slice(start, ++index));
      skipEscape(start);
    }
  }

  function skipEscape(start: number): void {
    const backslash = index++;
    const kind = text[index++];
    if (kind === undefined) fail("Unterminated string starting at", start);
    if (kind !== "u") {
      if (!'"\\/bfnrt'.includes(kind)) fail("Invalid \\escape", backslash);
      return;
    }
    const digits = match(fourHexDigits);
    // CPython asks for a character after the four digits before it looks at them.
    if (!digits || index === text.length) fail("Invalid \\uXXXX escape", backslash + 1);
  }

  skip();
  const value = readValue(0);
  skip();
  if (index < text.length) fail("Extra data", index);
  return value;
}
