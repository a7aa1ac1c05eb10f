import type { JsonValue } from "./json-reader.ts";

/** As Python's `repr`: the shortest digits that round-trip; exponents below -4 and from 16 on. */
function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return "null";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/**
 * Writes a value back as compact JSON: integers digit for digit, floats in Python's notation,
 * infinities as `null`, lone surrogates escaped.
 *
 * @param maxBytes of UTF-8; it also bounds the work
 * @returns `undefined` where the JSON is longer
 */
export function writeJson(value: JsonValue, maxBytes: number): string | undefined {
  let json = "";
  let bytes = 0;

  function append(token: string): boolean {
    bytes += Buffer.byteLength(token);
    json += token;
    return bytes <= maxBytes;
  }

  function appendString(text: string): boolean {
    return text.length <= maxBytes && append(JSON.stringify(text));
  }

  function appendAll<T>(items: Iterable<T>, appendItem: (item: T) => boolean): boolean {
    let first = true;
    for (const item of items) {
      if (!(first || append(",")) || !appendItem(item)) return false;
      first = false;
    }
    return true;
  }

  function appendValue(item: JsonValue): boolean {
    if (typeof item === "string") return appendString(item);
    if (typeof item === "number") return append(writeFloat(item));
    if (item instanceof Map) {
      const appendEntry = ([key, entry]: [string, JsonValue]) =>
        appendString(key) && append(":") && appendValue(entry);
      return append("{") && appendAll(item, appendEntry) && append("}");
    }
    if (Array.isArray(item)) return append("[") && appendAll(item, appendValue) && append("]");
    return append(String(item));
  }

  return appendValue(value) ? json : undefined;
}
