/** ASCII codes that appear in JSON. */
export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  slash: 0x2f,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  underscore: 0x5f,
  lowerE: 0x65,
  lowerU: 0x75,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

// V8 compiles a local constant into the code, but reads a member of an object each time. Without
// these constants here, in number.ts and in scan.ts, reading a record would take a third longer.
const { carriageReturn, lineFeed, nine, space, tab, zero } = ascii;

export function isSpace(byte: number | undefined): boolean {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

/** Returns the index of the first byte at or after `at` that is not JSON white space. */
export function skipSpace(body: Uint8Array, at: number): number {
  let index = at;
  while (index < body.length && isSpace(body[index])) index++;
  return index;
}
