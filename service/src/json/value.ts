import { ascii, skipSpace } from "./bytes.ts";

// These functions read JSON that `checkSyntax` has accepted, so they do not check for errors.

/** Returns the index after the string whose opening quote is at `at`. */
export function stringEnd(body: Uint8Array, at: number): number {
  let index = at + 1;
  while (body[index] !== ascii.quote) index += body[index] === ascii.backslash ? 2 : 1;
  return index + 1;
}

function scalarEnd(body: Uint8Array, at: number): number {
  let index = at;
  while (index < body.length) {
    const byte = body[index] ?? 0;
    if (byte <= ascii.space || byte === ascii.comma) break;
    if (byte === ascii.closeBrace || byte === ascii.closeBracket) break;
    index++;
  }
  return index;
}

/** Returns the index after the value that starts at `at`. */
export function valueEnd(body: Uint8Array, at: number): number {
  const first = body[at];
  if (first === ascii.quote) return stringEnd(body, at);
  if (first !== ascii.openBrace && first !== ascii.openBracket) return scalarEnd(body, at);
  let depth = 0;
  let index = at;
  do {
    const byte = body[index];
    if (byte === ascii.quote) {
      index = stringEnd(body, index);
      continue;
    }
    if (byte === ascii.openBrace || byte === ascii.openBracket) depth++;
    else if (byte === ascii.closeBrace || byte === ascii.closeBracket) depth--;
    index++;
  } while (depth > 0);
  return index;
}

/**
 * Calls `visit` for each item of an array, in order.
 *
 * @param at the index of the opening bracket
 * @param visit receives the index of the item's first byte, and returns the index after the item
 * @returns the index after the array
 */
export function eachItem(body: Uint8Array, at: number, visit: (item: number) => number): number {
  let index = skipSpace(body, at + 1);
  if (body[index] === ascii.closeBracket) return index + 1;
  for (;;) {
    index = skipSpace(body, visit(index));
    if (body[index] === ascii.closeBracket) return index + 1;
    index = skipSpace(body, index + 1);
  }
}

/**
 * Calls `visit` for each member of an object, in order, duplicate keys included.
 *
 * @param at the index of the opening brace
 * @param visit receives the indices of the key's opening quote, of the byte after the key, and of
 *   the value's first byte, and returns the index after the value
 * @returns the index after the object
 */
export function eachMember(
  body: Uint8Array,
  at: number,
  visit: (key: number, keyEnd: number, value: number) => number,
): number {
  let index = skipSpace(body, at + 1);
  if (body[index] === ascii.closeBrace) return index + 1;
  for (;;) {
    const keyEnd = stringEnd(body, index);
    const value = skipSpace(body, skipSpace(body, keyEnd) + 1);
    index = skipSpace(body, visit(index, keyEnd, value));
    if (body[index] === ascii.closeBrace) return index + 1;
    index = skipSpace(body, index + 1);
  }
}
