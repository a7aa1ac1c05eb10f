/** What Rust's `f64::from_str` accepts, which is how pydantic reads a number from a string. */
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const special = /^([+-]?)(inf|infinity|nan)$/i;
const whiteSpace = /\p{White_Space}/u;

/** By index, since a pattern for the end of a text tries at every white space within it. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && whiteSpace.test(text.charAt(start))) start++;
  while (end > start && whiteSpace.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function parseFloat64(text: string): number | undefined {
  if (decimal.test(text)) return Number(text);
  const [, sign, name] = special.exec(text) ?? [];
  if (name === undefined) return undefined;
  if (name.toLowerCase() === "nan") return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * Reads one number from a string as pydantic's lax mode does: surrounding Unicode White_Space, sign,
 * exponent, `.5`, `5.`, leading zeros, `inf` and `nan` in any case. Single underscores between
 * characters are dropped, but only from a string that no white space surrounds.
 *
 * @returns the number, not necessarily finite; `undefined` where the string holds none
 * @see https://github.com/pydantic/pydantic-core/blob/main/src/input/shared.rs `str_as_float`
 */
export function parseNumberText(text: string): number | undefined {
  const number = parseFloat64(trim(text));
  if (number !== undefined) return number;
  if (text.startsWith("_") || text.endsWith("_") || text.includes("__")) return undefined;
  return parseFloat64(text.replaceAll("_", ""));
}
