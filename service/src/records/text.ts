import { ascii, isDigit } from "../json/bytes.ts";
import { parseDecimal } from "../json/decimal.ts";

// Parses strings like pydantic's lax mode. Texts are in UTF-8 and can be as long as a body, so no
// function here creates a JavaScript string of more than a few kilobytes.
// Source: https://github.com/pydantic/pydantic-core/blob/main/src/input/shared.rs

/**
 * Returns the length in bytes of the Unicode White_Space character at `at`, 0 if there is none.
 *
 * @see https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt
 */
function spaceLength(text: Uint8Array, at: number): number {
  const first = text[at] ?? 0;
  if (first === ascii.space || (first >= ascii.tab && first <= ascii.carriageReturn)) return 1;
  if (first < 0xc2) return 0;
  const second = text[at + 1] ?? 0;
  if (first === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0;
  if (first < 0xe1 || first > 0xe3) return 0;
  const third = text[at + 2] ?? 0;
  const codePoint = ((first & 15) << 12) | ((second & 63) << 6) | (third & 63);
  const isSpace =
    (codePoint >= 0x2000 && codePoint <= 0x200a) ||
    [0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(codePoint);
  return isSpace ? 3 : 0;
}

function spaceLengthBefore(text: Uint8Array, end: number): number {
  for (const length of [1, 2, 3]) {
    if (end >= length && spaceLength(text, end - length) === length) return length;
  }
  return 0;
}

function trim(text: Buffer): Buffer {
  let start = 0;
  let end = text.length;
  for (let length = spaceLength(text, 0); length > 0; length = spaceLength(text, start)) {
    start += length;
  }
  if (start >= end) return text.subarray(end);
  for (let length = spaceLengthBefore(text, end); length > 0; ) {
    end -= length;
    length = spaceLengthBefore(text, end);
  }
  return text.subarray(start, end);
}

/** Removes single underscores between characters; returns `undefined` for any other underscores. */
function withoutUnderscores(text: Buffer): Buffer | undefined {
  if (!text.includes(ascii.underscore)) return undefined;
  const stripped = Buffer.allocUnsafe(text.length);
  let length = 0;
  let before: number = ascii.underscore;
  for (const byte of text) {
    if (byte !== ascii.underscore) stripped[length++] = byte;
    else if (before === ascii.underscore) return undefined;
    before = byte;
  }
  return before === ascii.underscore ? undefined : stripped.subarray(0, length);
}

const specials = new Map([
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["infinity", Number.POSITIVE_INFINITY],
]);

/** Parses a number like Rust's `f64::from_str`. */
function parseFloat64(text: Buffer): number | undefined {
  const number = parseDecimal(text, 0, text.length);
  if (!Number.isNaN(number)) return number;
  if (text.length > "+infinity".length) return undefined;
  const [, sign, name = ""] = /^([+-]?)(.*)$/s.exec(text.toString("latin1").toLowerCase()) ?? [];
  const special = specials.get(name);
  return special !== undefined && sign === "-" ? -special : special;
}

/**
 * Parses a number: sign, exponent, `.5`, `5.`, leading zeros, `inf` and `nan` in any case,
 * surrounded by any Unicode white space. Single underscores between characters are removed, but
 * only if there is no white space.
 *
 * @returns the number, which may be infinite or `NaN`; `undefined` if the text is not a number
 */
export function parseNumberText(text: Buffer): number | undefined {
  const number = parseFloat64(trim(text));
  if (number !== undefined) return number;
  const stripped = withoutUnderscores(text);
  return stripped && parseFloat64(stripped);
}

const maxIntegerDigits = 4300;
const integerText = new RegExp(`^-?(?:0|[1-9]\\d{0,${maxIntegerDigits - 1}})$`);

function hasTooManyDigits(text: Buffer): boolean {
  const first = text[0] === ascii.minus ? 1 : 0;
  if (!isDigit(text[first]) || text[first] === ascii.zero) return false;
  let index = first;
  while (isDigit(text[index])) index++;
  return index - first > maxIntegerDigits;
}

/**
 * Returns the index of the first digit after leading zeros, or of a minus sign; -1 if there is
 * none.
 */
function skipLeadingZeros(text: Buffer, start: number): number {
  if (text[start] !== ascii.zero) {
    return isDigit(text[start]) || text[start] === ascii.minus ? start : -1;
  }
  for (let index = start + 1; index < text.length; index++) {
    const byte = text[index];
    if (byte === ascii.zero || byte === ascii.underscore) continue;
    if (byte === ascii.point) return index - 1;
    return isDigit(byte) || byte === ascii.minus ? index : -1;
  }
  return text.length - 1;
}

/** Removes a fraction that consists of zeros only. */
function withoutZeroFraction(text: Buffer): Buffer {
  const point = text.indexOf(ascii.point);
  if (point === -1 || point + 1 === text.length) return text;
  return text.subarray(point + 1).every((byte) => byte === ascii.zero)
    ? text.subarray(0, point)
    : text;
}

/**
 * Parses an integer: sign, leading zeros, single underscores between digits, a fraction of zeros,
 * surrounded by white space.
 *
 * @returns the nearest double, or pydantic's error type
 */
export function parseIntegerText(text: Buffer): number | "int_parsing" | "int_parsing_size" {
  if (hasTooManyDigits(text)) return "int_parsing_size";
  const trimmed = trim(text);
  let start = trimmed[0] === ascii.plus ? 1 : 0;
  const isNegative = trimmed[start] === ascii.minus;
  if (isNegative && start === 1) return "int_parsing";
  if (isNegative) start++;
  if (isNegative && trimmed[start] === ascii.minus) return "int_parsing";
  start = skipLeadingZeros(trimmed, start);
  if (start === -1) return "int_parsing";
  const number = withoutZeroFraction(trimmed.subarray(start));
  const digits = withoutUnderscores(number) ?? number;
  if (digits.length > maxIntegerDigits + 1) return "int_parsing";
  const integer = (isNegative ? "-" : "") + digits.toString("latin1");
  return integerText.test(integer) ? Number(integer) : "int_parsing";
}

const booleanTexts = new Map([
  ...["0", "f", "n", "no", "off", "false"].map((text) => [text, 0] as const),
  ...["1", "t", "y", "on", "yes", "true"].map((text) => [text, 1] as const),
]);

/** Parses a boolean in any case; returns `undefined` for any other text. */
export function parseBooleanText(text: Buffer): 0 | 1 | undefined {
  return text.length > "false".length
    ? undefined
    : booleanTexts.get(text.toString("latin1").toLowerCase());
}
