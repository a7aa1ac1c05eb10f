import { ascii, isSpace } from "../json/bytes.ts";
import { NumberReader } from "../json/number.ts";
import { type Feature, type Matrix, type RecordSchema, toCell } from "./schema.ts";

// See bytes.ts for the reason.
const { backslash, closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } = ascii;

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (isSpace(body[at])) at++;
  return at;
}

/** Returns the index after these bytes if they are at `from`, otherwise -1. */
function skipBytes(body: Buffer, from: number, bytes: Uint8Array): number {
  for (let index = 0; index < bytes.length; index++) {
    if (body[from + index] !== bytes[index]) return -1;
  }
  return from + bytes.length;
}

/**
 * Returns the index after the body's last brace; -1 if the body does not end with a brace. With
 * this check, the scanner never reads beyond the end of a body, which would slow down all later
 * reads.
 */
function endOfObject(body: Buffer): number {
  let end = body.length;
  while (end > 0 && isSpace(body[end - 1])) end--;
  return end > 0 && body[end - 1] === closeBrace ? end : -1;
}

/** Reads the bodies that most clients send, and declines all others. */
export interface Scanner {
  /**
   * @param body one record
   * @returns one row; `undefined` if the body is declined
   */
  readonly one: (body: Buffer) => Matrix | undefined;
  /**
   * The same for a list such as `{"records":[…]}`. Also declines more than `maxRecords` records.
   */
  readonly many: (body: Buffer, maxRecords: number) => Matrix | undefined;
}

type ReadValue = (body: Buffer, start: number) => number;

/** Returns the next smaller double. */
function nextDown(value: number): number {
  const bits = new BigInt64Array([0n]);
  const double = new Float64Array(bits.buffer);
  double[0] = value === 0 ? -Number.MIN_VALUE : value;
  if (value !== 0) bits[0] = (bits[0] ?? 0n) + (value > 0 ? -1n : 1n);
  return double[0];
}

/** Returns the bounds of a feature as exclusive bounds. */
export function openInterval({ type, gt, ge, lt, le }: Feature): { above: number; below: number } {
  if (type === "boolean" || type === "category") {
    return { above: Number.NEGATIVE_INFINITY, below: Number.POSITIVE_INFINITY };
  }
  const lower = [gt, ge === undefined ? undefined : nextDown(ge)];
  const upper = [lt, le === undefined ? undefined : -nextDown(-le)];
  const isBound = (bound: number | undefined) => bound !== undefined;
  return {
    above: Math.max(Number.NEGATIVE_INFINITY, ...lower.filter(isBound)),
    below: Math.min(Number.POSITIVE_INFINITY, ...upper.filter(isBound)),
  };
}

const words = [
  { text: Buffer.from("false"), value: 0 },
  { text: Buffer.from("true"), value: 1 },
  { text: Buffer.from("0"), value: 0 },
  { text: Buffer.from("1"), value: 1 },
];

/**
 * Creates a scanner for a schema. It parses JSON directly into numbers, without strings or objects.
 * It accepts only simple bodies: all fields in the model's order, with plain values within bounds.
 */
export function createScanner({ record, features }: RecordSchema): Scanner {
  const columns = features.length;
  const quotedNames = features.map(({ name }) => Buffer.from(JSON.stringify(name)));
  const quotedPlural = Buffer.from(JSON.stringify(record.plural));
  const intervals = features.map(openInterval);
  const above = Float64Array.from(intervals, (interval) => interval.above);
  const below = Float64Array.from(intervals, (interval) => interval.below);
  const aboveFloat = Float32Array.from(above);
  const belowFloat = Float32Array.from(below);
  const readers = features.map(readerOf);
  /** Its `end` and `isExact` are those of the latest value, whatever its type is. */
  const numbers = new NumberReader();

  /** Holds rows until their number is known. */
  let scratch = new Float32Array(64 * columns);

  function readInteger(body: Buffer, start: number): number {
    const value = numbers.read(body, start);
    return numbers.isExact && Number.isSafeInteger(value) ? value : Number.NaN;
  }

  function readBoolean(body: Buffer, start: number): number {
    numbers.isExact = true;
    for (const { text, value } of words) {
      numbers.end = skipBytes(body, start, text);
      if (numbers.end !== -1) return value;
    }
    return Number.NaN;
  }

  function categoryReader(categories: readonly string[]): ReadValue {
    const indices = new Map(
      categories.map((text, index) => [
        Buffer.from(JSON.stringify(text)).toString("latin1"),
        index,
      ]),
    );
    const maxBytes = Math.max(...[...indices.keys()].map(({ length }) => length));
    return function readCategory(body, start) {
      const limit = Math.min(body.length, start + maxBytes);
      let at = start + 1;
      while (at < limit && body[at] !== quote) at += body[at] === backslash ? 2 : 1;
      numbers.isExact = true;
      numbers.end = at + 1;
      return indices.get(body.toString("latin1", start, numbers.end)) ?? Number.NaN;
    };
  }

  /** Returns what reads the values of a feature; undefined for {@link numbers}. */
  function readerOf({ type, categories = [] }: Feature): ReadValue | undefined {
    if (type === "number") return undefined;
    if (type === "integer") return readInteger;
    return type === "boolean" ? readBoolean : categoryReader(categories);
  }

  /**
   * Reads the record at `from` into a row of the matrix.
   *
   * @returns the index after the record; -1 if it is declined, and then the row is undefined
   */
  function readRow(body: Buffer, from: number, matrix: Float32Array, offset: number): number {
    let at = skipSpace(body, from);
    if (body[at] !== openBrace) return -1;
    for (let column = 0; column < columns; column++) {
      const name = quotedNames[column];
      if (name === undefined) return -1;
      at = skipBytes(body, skipSpace(body, at + 1), name);
      if (at < 0) return -1;
      at = skipSpace(body, at);
      if (body[at] !== colon) return -1;
      const read = readers[column];
      const start = skipSpace(body, at + 1);
      // V8 inlines a call of a known method, but not of one of several functions.
      const value = read === undefined ? numbers.read(body, start) : read(body, start);
      if (!(value > (above[column] ?? 0) && value < (below[column] ?? 0))) return -1;
      // The exact value may violate a bound that rounds to the same float32.
      const isRounded = !numbers.isExact;
      if (isRounded && (value === aboveFloat[column] || value === belowFloat[column])) return -1;
      matrix[offset + column] = toCell(value);
      at = skipSpace(body, numbers.end);
      if (body[at] !== (column === columns - 1 ? closeBrace : comma)) return -1;
    }
    return at + 1;
  }

  /** Returns the index of the list's opening bracket in `{"records":[…]}`; -1 if there is none. */
  function skipToList(body: Buffer): number {
    let at = skipSpace(body, 0);
    if (body[at] !== openBrace) return -1;
    at = skipBytes(body, skipSpace(body, at + 1), quotedPlural);
    if (at < 0) return -1;
    at = skipSpace(body, at);
    if (body[at] !== colon) return -1;
    at = skipSpace(body, at + 1);
    return body[at] === openBracket ? at : -1;
  }

  function growScratch(): void {
    const longer = new Float32Array(2 * scratch.length);
    longer.set(scratch);
    scratch = longer;
  }

  return {
    one(body) {
      const end = endOfObject(body);
      return end > 0 && readRow(body, 0, scratch, 0) === end
        ? scratch.slice(0, columns)
        : undefined;
    },

    many(body, maxRecords) {
      const end = endOfObject(body);
      let at = end < 0 ? -1 : skipToList(body);
      if (at < 0) return undefined;
      let rows = 0;
      do {
        if (rows === maxRecords) return undefined;
        if ((rows + 1) * columns > scratch.length) growScratch();
        at = readRow(body, at + 1, scratch, rows * columns);
        if (at < 0 || at === end) return undefined;
        rows++;
        at = skipSpace(body, at);
      } while (body[at] === comma);
      if (body[at] !== closeBracket) return undefined;
      at = skipSpace(body, at + 1);
      return at + 1 === end ? scratch.slice(0, rows * columns) : undefined;
    },
  };
}
