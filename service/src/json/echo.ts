import { ascii } from "./bytes.ts";
import { parseDecimal } from "./decimal.ts";
import { hasEscape, quote, stringContent } from "./string.ts";
import { eachItem, eachMember, stringEnd, valueEnd } from "./value.ts";

/**
 * Writes a float like Python's `repr`: shortest round-trip digits, exponents below -4 and from 16.
 */
export function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return "null";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Whether a JSON number has neither a fraction nor an exponent. */
export function isIntegerLiteral(body: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const byte = body[index] ?? 0;
    if (byte === ascii.point || (byte | 0x20) === ascii.lowerE) return false;
  }
  return true;
}

/** The longest escape in a JSON string, `\uXXXX`. */
const maxEscapeBytes = 6;

/**
 * Writes a value of a body as compact JSON, like FastAPI echoes it: integers digit by digit, floats
 * in Python's notation, infinities as `null`. A duplicate key keeps its first position and its last
 * value. Time is proportional to the value's length, memory to the limit.
 *
 * @param body JSON that `checkSyntax` has accepted
 * @param at the index of the value's first byte
 * @param maxBytes the maximum length of the JSON, in UTF-8
 * @returns `undefined` if the JSON is longer
 */
export function echo(body: Buffer, at: number, maxBytes: number): string | undefined {
  /** The index after the latest value that was written. */
  let end = at;

  function string(start: number): string | undefined {
    end = stringEnd(body, start);
    if (end - start > maxEscapeBytes * maxBytes) return undefined;
    if (!hasEscape(body, start, end)) return body.toString("utf8", start, end);
    const { buffer } = quote(stringContent(body, start, end));
    return Buffer.from(buffer).toString();
  }

  function scalar(start: number): string | undefined {
    end = valueEnd(body, start);
    const first = body[start] ?? 0;
    if (first > ascii.nine) return body.toString("latin1", start, end);
    if (!isIntegerLiteral(body, start, end)) return writeFloat(parseDecimal(body, start, end));
    const digits = body.toString("latin1", start, end);
    return digits === "-0" ? "0" : digits;
  }

  function array(start: number): string | undefined {
    let json: string | undefined = "";
    end = eachItem(body, start, (item) => {
      if (json === undefined) return valueEnd(body, item);
      const text = value(item);
      json = text === undefined ? undefined : json === "" ? text : `${json},${text}`;
      if (json !== undefined && json.length > maxBytes) json = undefined;
      return end;
    });
    return json === undefined ? undefined : `[${json}]`;
  }

  function object(start: number): string | undefined {
    /**
     * Values by key; `undefined` for a value that is too long, which a duplicate key may replace.
     */
    const members = new Map<string, string | undefined>();
    let isTooLong = false;
    end = eachMember(body, start, (key, _, at) => {
      const name = isTooLong ? undefined : string(key);
      // Unlike values, keys can't be replaced by what follows.
      isTooLong ||= name === undefined || members.size * 4 > maxBytes;
      if (isTooLong || name === undefined) return valueEnd(body, at);
      members.set(name, value(at));
      return end;
    });
    if (isTooLong) return undefined;
    const texts: string[] = [];
    for (const [name, text] of members) {
      if (text === undefined) return undefined;
      texts.push(`${name}:${text}`);
    }
    return `{${texts.join(",")}}`;
  }

  function value(start: number): string | undefined {
    switch (body[start]) {
      case ascii.quote:
        return string(start);
      case ascii.openBracket:
        return array(start);
      case ascii.openBrace:
        return object(start);
      default:
        return scalar(start);
    }
  }

  const json = value(at);
  return json !== undefined && Buffer.byteLength(json) <= maxBytes ? json : undefined;
}
