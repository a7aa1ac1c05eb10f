import { ascii } from "../json/bytes.ts";
import { parseDecimal } from "../json/decimal.ts";
import { isIntegerLiteral, writeFloat } from "../json/echo.ts";
import { stringContent } from "../json/string.ts";
import { boundNames, type Feature } from "./schema.ts";
import { parseBooleanText, parseIntegerText, parseNumberText } from "./text.ts";

/** Why a value is invalid, in pydantic's words. */
interface Fault {
  readonly type: string;
  readonly msg: string;
  /** JSON. */
  readonly ctx?: string;
}

/**
 * Reads one value of a body as pydantic v2's lax mode does.
 *
 * @param start its first byte
 * @param end the index after it
 * @returns the finite number that the model gets, or why there is none
 */
export type FeatureReader = (body: Buffer, start: number, end: number) => number | Fault;

/** As Rust's `Display`: the shortest digits that round-trip, never an exponent. */
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

/** Returns the value, or the first bound that it is outside of. */
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

/** `true` and `false`, by their first letters. */
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

/** Floats from here on do not fit into 64 bits. */
const maxInteger = 2 ** 63;

function integerOfFloat(number: number): number | Fault {
  if (!Number.isFinite(number)) return finiteNumber;
  if (!Number.isInteger(number)) return intFromFloat;
  return Math.abs(number) < maxInteger ? number : intFaults.int_parsing_size;
}

/** An integer beyond every double is out of every bound, or the largest number without one. */
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

/** The integer fits into 64 bits; a float never does that equals 2⁶³. */
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

/** What Python's `repr` writes as it is: letters, marks, numbers, punctuation, symbols, space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escapeForPython(character: string): string {
  const short = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}

/** A string as Python's `repr` writes it. */
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

/** The reader of a feature's values, which enforces all that the schema says of them. */
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
