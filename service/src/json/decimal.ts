import { ascii, isDigit } from "./bytes.ts";

/** Beyond this many digits, only whether the rest is zero can affect the nearest double. */
const maxSignificantDigits = 800;
/** A larger exponent always gives infinity or zero, since no body has that many digits. */
const maxExponent = 1_000_000_000;

function skipDigits(text: Uint8Array, at: number, end: number): number {
  let index = at;
  while (index < end && isDigit(text[index])) index++;
  return index;
}

function isSign(byte: number | undefined): boolean {
  return byte === ascii.plus || byte === ascii.minus;
}

/** Writes `digits × 10^exponent`. If nonzero digits are cut off, a single digit 1 replaces them. */
function shorten(text: Uint8Array, start: number, end: number, exponent: number): string {
  let digits = "";
  let power = exponent;
  let isAfterPoint = false;
  let hasRest = false;
  for (let index = start; index < end; index++) {
    const byte = text[index] ?? 0;
    if (byte === ascii.point) {
      isAfterPoint = true;
      continue;
    }
    if (digits.length < maxSignificantDigits) {
      if (digits !== "" || byte !== ascii.zero) digits += String.fromCharCode(byte);
      if (isAfterPoint) power--;
    } else {
      hasRest ||= byte !== ascii.zero;
      if (!isAfterPoint) power++;
    }
  }
  return hasRest ? `${digits}1e${power - 1}` : `${digits || "0"}e${power}`;
}

/**
 * Parses a decimal number of any length in constant memory: an optional sign, digits with or
 * without a point (`5`, `.5`, `5.`), and an optional exponent.
 *
 * @returns the nearest double; `NaN` if the text is anything else
 */
export function parseDecimal(text: Buffer, start: number, end: number): number {
  const first = isSign(text[start]) && start < end ? start + 1 : start;
  const integerEnd = skipDigits(text, first, end);
  let digits = integerEnd - first;
  let mantissaEnd = integerEnd;
  if (integerEnd < end && text[integerEnd] === ascii.point) {
    mantissaEnd = skipDigits(text, integerEnd + 1, end);
    digits += mantissaEnd - integerEnd - 1;
  }
  if (digits === 0) return Number.NaN;
  let exponentStart = end;
  if (mantissaEnd < end) {
    if (((text[mantissaEnd] ?? 0) | 0x20) !== ascii.lowerE) return Number.NaN;
    exponentStart = mantissaEnd + 1;
    const exponentDigits = isSign(text[exponentStart]) ? exponentStart + 1 : exponentStart;
    if (exponentDigits >= end || skipDigits(text, exponentDigits, end) !== end) return Number.NaN;
  }
  if (end - start <= maxSignificantDigits) return Number(text.toString("latin1", start, end));
  const exponent = readExponent(text, exponentStart, end);
  const magnitude = Number(shorten(text, first, mantissaEnd, exponent));
  return text[start] === ascii.minus ? -magnitude : magnitude;
}

function readExponent(text: Buffer, start: number, end: number): number {
  let exponent = 0;
  for (let index = isSign(text[start]) ? start + 1 : start; index < end; index++) {
    exponent = Math.min(maxExponent, exponent * 10 + (text[index] ?? 0) - ascii.zero);
  }
  return text[start] === ascii.minus ? -exponent : exponent;
}
