import { ascii } from "../json/bytes.ts";
import { parseDecimal } from "../json/decimal.ts";
import { isIntegerLiteral, writeFloat } from "../json/echo.ts";
import { stringContent } from "../json/string.ts";
import { boundNames, type Feature } from "./schema.ts";
import { parseBooleanText, parseIntegerText, parseNumberText } from "./text.ts";

/** Why a value is invalid, with pydantic's message. */
interface Fault {
  readonly type: string;
  readonly msg: string;
  /** JSON. */
  readonly ctx?: string;
}

/**
 * Reads one value of a body like pydantic v2 in lax mode.
 *
 * @param start the index of the value's first byte
 * @param end the index after the value
 * @returns a finite number for the model, or why the value is invalid
 */
export type FeatureReader = (body: Buffer, start: number, end: number) => number | Fault;

/** Writes a float like Rust's `Display`: shortest round-trip digits, never an exponent. */
function displayFloat(value: number): string {
  const [mantissa = "", exponent = ""] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const point = Number(exponent) + 1;
  const sign = value < 0 ? "-" : "";
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits.padEnd(point, "0");
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

const boundChecks = {
  le: {
    type: "less_than_equal",
    words: "less than or equal to",
    holds: (v: number, b: number) => v <= b,
  },
  lt: { type: "less_than", words: "less than", holds: (v: number, b: number) => v < b },
  ge: {
    type: "greater_than_equal",
    words: "greater than or equal to",
    holds: (v: number, b: number) => v >= b,
  },
  gt: { type: "greater_than", words: "greater than", holds: (v: number, b: number) => v > b },
} as const;

/** Returns a function that returns the value, or the fault of the first bound that it violates. */
function boundsReader(feature: Feature): (value: number) => number | Fault {
  const checks = boundNames.flatMap((name) => {
    const bound = feature[name];
    if (bound === undefined) return [];
    const { type, words, holds } = boundChecks[name];
    const msg = `Input should be ${words} ${displayFloat(bound)}`;
    const ctx = `{"${name}":${feature.type === "integer" ? bound : writeFloat(bound)}}`;
    return [{ bound, holds, fault: { type, msg, ctx } }];
  });
  return (value) => checks.find(({ bound, holds }) => !holds(value, bound))?.fault ?? value;
}

const finiteNumber: Fault = { type: "finite_number", msg: "Input should be a finite number" };
const floatType: Fault = { type: "float_type", msg: "Input should be a valid number" };
const floatParsing: Fault = {
  type: "float_parsing",
  msg: "Input should be a valid number, unable to parse string as a number",
};

function contentOf(body: Buffer, start: number, end: number): Buffer {
  const content = stringContent(body, start, end);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

function isNumberStart(byte: number | undefined): boolean {
  return byte === ascii.minus || (byte !== undefined && byte >= ascii.zero && byte <= ascii.nine);
}

/** The values of `true` and `false`, by first letter. */
const booleans = new Map([
  ["t".charCodeAt(0), 1],
  ["f".charCodeAt(0), 0],
]);

function numberReader(feature: Feature): FeatureReader {
  const withinBounds = boundsReader(feature);

  function readNumber(body: Buffer, start: number, end: number): number | Fault {
    const first = body[start] ?? 0;
    if (isNumberStart(first)) {
      const number = parseDecimal(body, start, end);
      return Number.isFinite(number) || !isIntegerLiteral(body, start, end) ? number : floatType;
    }
    if (first === ascii.quote) return parseNumberText(contentOf(body, start, end)) ?? floatParsing;
    return booleans.get(first) ?? floatType;
  }

  return function readBoundedNumber(body, start, end) {
    const number = readNumber(body, start, end);
    if (typeof number !== "number") return number;
    return Number.isFinite(number) ? withinBounds(number) : finiteNumber;
  };
}

const intType: Fault = { type: "int_type", msg: "Input should be a valid integer" };
const intFromFloat: Fault = {
  type: "int_from_float",
  msg: "Input should be a valid integer, got a number with a fractional part",
};
const intFaults = {
  int_parsing: {
    type: "int_parsing",
    msg: "Input should be a valid integer, unable to parse string as an integer",
  },
  int_parsing_size: {
    type: "int_parsing_size",
    msg: "Unable to parse input string as an integer, exceeded maximum size",
  },
} as const;

/** Floats of at least this size do not fit into 64 bits. */
const maxInteger = 2 ** 63;

function integerOfFloat(number: number): number | Fault {
  if (!Number.isFinite(number)) return finiteNumber;
  if (!Number.isInteger(number)) return intFromFloat;
  return Math.abs(number) < maxInteger ? number : intFaults.int_parsing_size;
}

/** Replaces infinities by the largest finite numbers, which violate the same bounds. */
function clamp(number: number): number {
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, number));
}

function integerReader(feature: Feature): FeatureReader {
  const withinBounds = boundsReader(feature);

  function readInteger(body: Buffer, start: number, end: number): number | Fault {
    const first = body[start] ?? 0;
    if (isNumberStart(first)) {
      const number = parseDecimal(body, start, end);
      return isIntegerLiteral(body, start, end) ? clamp(number) : integerOfFloat(number);
    }
    if (first === ascii.quote) {
      const integer = parseIntegerText(contentOf(body, start, end));
      return typeof integer === "string" ? intFaults[integer] : clamp(integer);
    }
    return booleans.get(first) ?? intType;
  }

  return function readBoundedInteger(body, start, end) {
    const integer = readInteger(body, start, end);
    return typeof integer === "number" ? withinBounds(integer) : integer;
  };
}

const boolType: Fault = { type: "bool_type", msg: "Input should be a valid boolean" };
const boolParsing: Fault = {
  type: "bool_parsing",
  msg: "Input should be a valid boolean, unable to interpret input",
};

/**
 * Whether a number fits into a 64-bit integer. At ±2⁶³ the digits decide, since doubles are
 * rounded.
 */
function fitsInt64(body: Buffer, start: number, end: number, number: number): boolean {
  if (Math.abs(number) !== maxInteger) return Math.abs(number) < maxInteger;
  return (
    isIntegerLiteral(body, start, end) &&
    BigInt.asIntN(64, BigInt(body.toString("latin1", start, end))).toString() ===
      body.toString("latin1", start, end)
  );
}

function readBoolean(body: Buffer, start: number, end: number): number | Fault {
  const first = body[start] ?? 0;
  if (isNumberStart(first)) {
    const number = parseDecimal(body, start, end);
    if (number === 0 || number === 1) return number;
    const isIntegral = Number.isInteger(number) && fitsInt64(body, start, end, number);
    return isIntegral ? boolParsing : boolType;
  }
  if (first === ascii.quote) return parseBooleanText(contentOf(body, start, end)) ?? boolParsing;
  return booleans.get(first) ?? boolType;
}

/**
 * Characters that Python's `repr` does not escape: letters, marks, numbers, punctuation, symbols,
 * space.
 */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escapeForPython(character: string): string {
  const short = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}

/** Writes a string like Python's `repr`. */
function reprOf(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const characters = [...text].map((character) =>
    character === quote ? `\\${quote}` : escapeForPython(character),
  );
  return quote + characters.join("") + quote;
}

function categoryReader({ categories = [] }: Feature): FeatureReader {
  const indices = new Map(
    categories.map((text, index) => [Buffer.from(text).toString("latin1"), index] as const),
  );
  const maxBytes = Math.max(...categories.map((text) => Buffer.byteLength(text)));
  const texts = categories.map(reprOf);
  const last = texts.pop() ?? "";
  const expected = texts.length === 0 ? last : `${texts.join(", ")} or ${last}`;
  const fault: Fault = {
    type: "literal_error",
    msg: `Input should be ${expected}`,
    ctx: `{"expected":${JSON.stringify(expected)}}`,
  };
  return function readCategory(body, start, end) {
    if (body[start] !== ascii.quote) return fault;
    const content = contentOf(body, start, end);
    return content.length > maxBytes ? fault : (indices.get(content.toString("latin1")) ?? fault);
  };
}

/** Creates the reader of a feature's values, which checks everything that the schema specifies. */
export function featureReader(feature: Feature): FeatureReader {
  switch (feature.type) {
    case "number":
      return numberReader(feature);
    case "integer":
      return integerReader(feature);
    case "boolean":
      return readBoolean;
    case "category":
      return categoryReader(feature);
  }
}
