import { ascii } from "./bytes.ts";

const hexDigits = "0123456789abcdef";
/** The characters of the one-letter escapes, by letter. */
const letters = new Map(
  Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }).map(([letter, character]) => [
    letter.charCodeAt(0),
    character.charCodeAt(0),
  ]),
);

function codeUnit(body: Uint8Array, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const byte = body[index] ?? 0;
    unit = unit * 16 + (byte <= ascii.nine ? byte - ascii.zero : (byte | 0x20) - 0x57);
  }
  return unit;
}

function writeUtf8(codePoint: number, out: Uint8Array, at: number): number {
  if (codePoint < 0x80) {
    out[at] = codePoint;
    return at + 1;
  }
  if (codePoint < 0x800) {
    out[at] = 0xc0 | (codePoint >> 6);
    out[at + 1] = 0x80 | (codePoint & 0x3f);
    return at + 2;
  }
  if (codePoint < 0x10000) {
    out[at] = 0xe0 | (codePoint >> 12);
    out[at + 1] = 0x80 | ((codePoint >> 6) & 0x3f);
    out[at + 2] = 0x80 | (codePoint & 0x3f);
    return at + 3;
  }
  out[at] = 0xf0 | (codePoint >> 18);
  out[at + 1] = 0x80 | ((codePoint >> 12) & 0x3f);
  out[at + 2] = 0x80 | ((codePoint >> 6) & 0x3f);
  out[at + 3] = 0x80 | (codePoint & 0x3f);
  return at + 4;
}

/** Whether a JSON string contains an escape. */
export function hasEscape(body: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if (body[index] === ascii.backslash) return true;
  }
  return false;
}

/**
 * Returns the content of a JSON string, without quotes and with escapes decoded.
 *
 * @param start the index of the opening quote
 * @param end the index after the closing quote
 * @returns UTF-8, as a view of the body if there are no escapes. A lone surrogate is encoded in
 *   three bytes (WTF-8)
 * @see https://wtf-8.codeberg.page
 */
export function stringContent(body: Uint8Array, start: number, end: number): Uint8Array {
  const raw = body.subarray(start + 1, end - 1);
  let at = raw.indexOf(ascii.backslash);
  if (at === -1) return raw;
  // Decoding never makes a string longer.
  const content = new Uint8Array(raw.length);
  content.set(raw.subarray(0, at));
  let length = at;
  while (at < raw.length) {
    const byte = raw[at] ?? 0;
    if (byte !== ascii.backslash) {
      content[length++] = byte;
      at++;
      continue;
    }
    const kind = raw[at + 1] ?? 0;
    if (kind !== ascii.lowerU) {
      content[length++] = letters.get(kind) ?? kind;
      at += 2;
      continue;
    }
    let codePoint = codeUnit(raw, at + 2);
    at += 6;
    if (
      (codePoint & 0xfc00) === 0xd800 &&
      raw[at] === ascii.backslash &&
      raw[at + 1] === ascii.lowerU
    ) {
      const low = codeUnit(raw, at + 2);
      if ((low & 0xfc00) === 0xdc00) {
        codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (low & 0x3ff);
        at += 6;
      }
    }
    length = writeUtf8(codePoint, content, length);
  }
  return content.subarray(0, length);
}

/** For each byte, the letter of its short escape in JSON; 0 if there is none. */
const shortEscapes = new Uint8Array(256);
for (const [letter, byte] of letters) shortEscapes[byte] = letter;
shortEscapes[ascii.quote] = ascii.quote;
shortEscapes[ascii.backslash] = ascii.backslash;

/** Whether a lone surrogate in WTF-8, which has three bytes, starts here. */
function isSurrogate(content: Uint8Array, at: number): boolean {
  return content[at] === 0xed && (content[at + 1] ?? 0) >= 0xa0;
}

function quotedLength(content: Uint8Array): number {
  let length = 2;
  for (let at = 0; at < content.length; at++) {
    const byte = content[at] ?? 0;
    if (shortEscapes[byte] !== 0) length += 2;
    else if (byte < ascii.space) length += 6;
    else if (isSurrogate(content, at)) {
      length += 6;
      at += 2;
    } else length++;
  }
  return length;
}

/**
 * Writes a JSON string like `JSON.stringify`, but as bytes, so that long strings are never
 * converted to JavaScript strings.
 *
 * @param content the result of {@link stringContent}
 * @returns the quoted string, in UTF-8
 */
export function quote(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const quoted = new Uint8Array(quotedLength(content));
  let end = 0;

  function writeUnicodeEscape(unit: number): void {
    quoted[end++] = ascii.backslash;
    quoted[end++] = ascii.lowerU;
    for (let shift = 12; shift >= 0; shift -= 4) {
      quoted[end++] = hexDigits.charCodeAt((unit >> shift) & 15);
    }
  }

  quoted[end++] = ascii.quote;
  for (let at = 0; at < content.length; at++) {
    const byte = content[at] ?? 0;
    const letter = shortEscapes[byte] ?? 0;
    if (letter !== 0) {
      quoted[end++] = ascii.backslash;
      quoted[end++] = letter;
    } else if (byte < ascii.space) writeUnicodeEscape(byte);
    else if (isSurrogate(content, at)) {
      const [middle = 0, last = 0] = content.subarray(at + 1, at + 3);
      writeUnicodeEscape(((byte & 15) << 12) | ((middle & 63) << 6) | (last & 63));
      at += 2;
    } else quoted[end++] = byte;
  }
  quoted[end] = ascii.quote;
  return quoted;
}
