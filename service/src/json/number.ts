import { ascii, isDigit } from "./bytes.ts";
import { parseDecimal } from "./decimal.ts";

// See bytes.ts for the reason.
const { lowerE, minus, plus, point, zero } = ascii;

/** The powers of ten that a double represents exactly. */
const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** Below this, only a few digits exceed 2⁵³, and each adds a relative error of at most 2⁻⁵³. */
const maxInexactDigits = 1e22;
const inexactness = 2 ** -48;

/** Rounds a slightly inexact double to float32; returns `NaN` if the result is ambiguous. */
function nearestFloat(value: number): number {
  const nearest = Math.fround(value * (1 - inexactness));
  return nearest === Math.fround(value * (1 + inexactness)) ? nearest : Number.NaN;
}

/** Returns the index after the exponent at `from`; `from` if there is none. */
function skipExponent(body: Uint8Array, from: number): number {
  // `E` and `e` differ in bit 5 only.
  if (((body[from] ?? 0) | 0x20) !== lowerE) return from;
  const sign = body[from + 1];
  const digits = sign === minus || sign === plus ? from + 2 : from + 1;
  let at = digits;
  while (isDigit(body[at])) at++;
  return at === digits ? from : at;
}

/** Reads JSON numbers from bytes that will be rounded to float32, without creating strings. */
export class NumberReader {
  /** The index after the latest number. */
  end = 0;
  /** Whether the latest number is the exact double, or only the nearest float32. */
  isExact = true;

  /**
   * Reads a number. If its digits are at most 2⁵³ and the power of ten is at most 10²², it is the
   * quotient of two exact doubles (W. D. Clinger, "How to Read Floating Point Numbers Accurately",
   * 1990). With more digits, the float32 is still known unless the number is almost halfway between
   * two float32 values.
   *
   * @param start the index of its first byte. The body must not end with the number
   * @returns `NaN` if there is no number; an infinity if it is too large for a double
   */
  read(body: Buffer, start: number): number {
    let at = start;
    const isNegative = body[at] === minus;
    if (isNegative) at++;
    const integer = at;
    let digits = 0;
    let digit = (body[at] ?? 0) - zero;
    while (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit;
      digit = (body[++at] ?? 0) - zero;
    }
    if (at === integer || (body[integer] === zero && at > integer + 1)) return Number.NaN;
    let decimals = 0;
    if (digit === point - zero) {
      const pointAt = at;
      digit = (body[++at] ?? 0) - zero;
      while (digit >= 0 && digit <= 9) {
        digits = digits * 10 + digit;
        digit = (body[++at] ?? 0) - zero;
      }
      decimals = at - pointAt - 1;
      if (decimals === 0) return Number.NaN;
    }
    this.end = at;
    this.isExact = true;
    const power = powersOfTen[decimals];
    const hasExponent = ((digit + zero) | 0x20) === lowerE;
    if (hasExponent || power === undefined || digits > Number.MAX_SAFE_INTEGER) {
      const isInexact = !hasExponent && power !== undefined && digits < maxInexactDigits;
      const value = isInexact ? nearestFloat(digits / power) : Number.NaN;
      if (Number.isNaN(value)) {
        this.end = skipExponent(body, at);
        return parseDecimal(body, start, this.end);
      }
      this.isExact = false;
      return isNegative ? -value : value;
    }
    return (isNegative ? -digits : digits) / power;
  }
}
