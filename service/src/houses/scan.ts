import { featureNames, lowerBounds } from "./house.ts";
import { unsigned } from "./matrix.ts";

const comma = 0x2c;
const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const lowerE = 0x65;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const columns = featureNames.length;
const housesName = Buffer.from('"houses"');
const quotedNames = featureNames.map((name) => Buffer.from(`"${name}"`));
/** The powers of ten that a double holds exactly. */
const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** Where rows are written until it is known how many they are. */
let scratch = new Float32Array(64 * columns);
/** Where the number ends that was read last. */
let numberEnd = 0;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (isSpace(body[at])) at++;
  return at;
}

/** Where this name ends; -1 where another stands. */
function skipName(body: Buffer, from: number, name: Uint8Array): number {
  for (let index = 0; index < name.length; index++) {
    if (body[from + index] !== name[index]) return -1;
  }
  return from + name.length;
}

/** Where an exponent ends that begins here; here where none does. */
function skipExponent(body: Buffer, from: number): number {
  // Bit 5 is what `E` and `e` differ in.
  if (((body[from] ?? 0) | 0x20) !== lowerE) return from;
  const sign = body[from + 1];
  const digits = sign === minus || sign === plus ? from + 2 : from + 1;
  let at = digits;
  let digit = (body[at] ?? 0) - zero;
  while (digit >= 0 && digit <= 9) digit = (body[++at] ?? 0) - zero;
  return at === digits ? from : at;
}

/** As JavaScript reads it. */
function readAnyNumber(body: Buffer, start: number, mantissaEnd: number): number {
  numberEnd = skipExponent(body, mantissaEnd);
  const value = Number(body.toString("latin1", start, numberEnd));
  return Number.isFinite(value) ? value : Number.NaN;
}

/** So long as digits stay below, each beyond 2⁵³ adds an error of 2⁻⁵³, and there are few. */
const maxInexactDigits = 1e22;
const inexactness = 2 ** -48;

/** The float32 that a double stands for that is slightly off; `NaN` where two may be meant. */
function nearestFloat(value: number): number {
  const nearest = Math.fround(value * (1 - inexactness));
  return nearest === Math.fround(value * (1 + inexactness)) ? nearest : Number.NaN;
}

/**
 * Reads a number, for a float32 to hold it rounded correctly, and sets {@link numberEnd}. A decimal
 * of at most 2⁵³ over a power of ten of at most 10²² is one division of two exact doubles (W. D.
 * Clinger, "How to Read Floating Point Numbers Accurately", 1990); of one with more digits the
 * float32 is known all the same, unless it lies all but half-way between two.
 *
 * @returns `NaN` where there is none, or none that is finite
 */
function readNumber(body: Buffer, start: number): number {
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
  numberEnd = at;
  const power = powersOfTen[decimals];
  const hasExponent = ((digit + zero) | 0x20) === lowerE;
  if (hasExponent || power === undefined || digits > Number.MAX_SAFE_INTEGER) {
    const isInexact = !hasExponent && power !== undefined && digits < maxInexactDigits;
    const value = isInexact ? nearestFloat(digits / power) : Number.NaN;
    if (Number.isNaN(value)) return readAnyNumber(body, start, at);
    return isNegative ? -value : value;
  }
  return (isNegative ? -digits : digits) / power;
}

/**
 * Writes the house that stands here into a row.
 *
 * @returns where it ends; -1, and nothing promised about the row, where it is not plain
 */
function readRow(body: Buffer, from: number, matrix: Float32Array, offset: number): number {
  let at = skipSpace(body, from);
  if (body[at] !== openBrace) return -1;
  for (let column = 0; column < columns; column++) {
    const name = quotedNames[column];
    at = name === undefined ? -1 : skipName(body, skipSpace(body, at + 1), name);
    if (at < 0) return -1;
    at = skipSpace(body, at);
    if (body[at] !== colon) return -1;
    const value = readNumber(body, skipSpace(body, at + 1));
    if (!(value > (lowerBounds[column] ?? Number.NaN))) return -1;
    matrix[offset + column] = unsigned(value);
    at = skipSpace(body, numberEnd);
    if (body[at] !== (column === columns - 1 ? closeBrace : comma)) return -1;
  }
  return at + 1;
}

/** Where the list of `{"houses":[…]}` begins; -1 where there is none. */
function skipToList(body: Buffer): number {
  let at = skipSpace(body, 0);
  if (body[at] !== openBrace) return -1;
  at = skipName(body, skipSpace(body, at + 1), housesName);
  if (at < 0) return -1;
  at = skipSpace(body, at);
  if (body[at] !== colon) return -1;
  at = skipSpace(body, at + 1);
  return body[at] === openBracket ? at : -1;
}

/**
 * Where the body's last brace ends; -1 where something else is last. As long as one is to come,
 * nothing above reads beyond the end: a single such read slows all later ones.
 */
function endOfObject(body: Buffer): number {
  let end = body.length;
  while (end > 0 && isSpace(body[end - 1])) end--;
  return end > 0 && body[end - 1] === closeBrace ? end : -1;
}

/**
 * Reads JSON straight into numbers, with no string and no object on the way. It takes the usual
 * text only: finite numbers within bounds, in the model's order. What it declines is for others to
 * judge. Zeros come without a sign.
 *
 * @param body one house
 * @returns 1 × 8; `undefined` where it declines
 */
export function scanHouse(body: Buffer): Float32Array<ArrayBuffer> | undefined {
  const end = endOfObject(body);
  return end > 0 && readRow(body, 0, scratch, 0) === end ? scratch.slice(0, columns) : undefined;
}

/**
 * The same for a list of houses.
 *
 * @returns houses × 8, row-major; `undefined` where it declines, as for more than `maxHouses`
 */
export function scanHouses(body: Buffer, maxHouses: number): Float32Array<ArrayBuffer> | undefined {
  const end = endOfObject(body);
  let at = end < 0 ? -1 : skipToList(body);
  if (at < 0) return undefined;
  let rows = 0;
  do {
    if (rows === maxHouses) return undefined;
    if ((rows + 1) * columns > scratch.length) growScratch();
    at = readRow(body, at + 1, scratch, rows * columns);
    if (at < 0 || at === end) return undefined;
    rows++;
    at = skipSpace(body, at);
  } while (body[at] === comma);
  if (body[at] !== closeBracket) return undefined;
  at = skipSpace(body, at + 1);
  return at + 1 === end ? scratch.slice(0, rows * columns) : undefined;
}

function growScratch(): void {
  const longer = new Float32Array(2 * scratch.length);
  longer.set(scratch);
  scratch = longer;
}
