const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const signed = new Intl.NumberFormat("en", {
  maximumSignificantDigits: 3,
  signDisplay: "exceptZero",
});
/** Does not group the digits of a year. */
const plainNumber = new Intl.NumberFormat("en", {
  maximumSignificantDigits: 4,
  useGrouping: "min2",
});
const tiny = new Intl.NumberFormat("en", { notation: "scientific", maximumSignificantDigits: 3 });
const degrees = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const percentage = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const exact = new Intl.NumberFormat("en", { maximumSignificantDigits: 17 });

/** A unit that begins with a number, such as `100,000 USD`. */
const scaledUnit = /^(\d[\d,]*) (.+)$/;

/**
 * @param {string | undefined} unit
 * @returns {{ factor: number, name: string }}
 */
function parseUnit(unit = "") {
  const [, factor, name] = scaledUnit.exec(unit) ?? [];
  if (factor === undefined || name === undefined) return { factor: 1, name: unit };
  return { factor: Number(factor.replaceAll(",", "")), name };
}

/**
 * Formats a value with its unit. 4.25 in units of 100,000 USD is `425,000 USD`.
 *
 * @param {number | null} value
 * @param {string | undefined} unit
 */
export function formatQuantity(value, unit) {
  return withUnit(plain, value, unit);
}

/**
 * Like {@link formatQuantity}, with a sign.
 *
 * @param {number} value
 * @param {string | undefined} unit
 */
export function formatDifference(value, unit) {
  return withUnit(signed, value, unit);
}

/**
 * @param {Intl.NumberFormat} format
 * @param {number | null} value
 * @param {string | undefined} unit
 */
function withUnit(format, value, unit) {
  const { factor, name } = parseUnit(unit);
  const scaled = value === null ? null : value * factor;
  return `${withMinus(format, scaled)} ${name}`.trimEnd();
}

/**
 * Formats a number with a minus sign, which is as wide as the plus sign, instead of a hyphen.
 *
 * @param {Intl.NumberFormat} format
 * @param {number | null} value null if the number is not finite, which JSON does not have
 */
function withMinus(format, value) {
  if (value === null) return "not finite";
  return format.format(value).replace("-", "−");
}

/** Smaller numbers would have many zeros. */
const leastPlain = 1e-4;

/**
 * Formats a number with four significant digits.
 *
 * @param {number | null} value
 */
export function formatNumber(value) {
  const isTiny = value !== null && value !== 0 && Math.abs(value) < leastPlain;
  return withMinus(isTiny ? tiny : plainNumber, value);
}

/**
 * Formats a latitude or longitude.
 *
 * @param {number} value in degrees
 */
export function formatDegrees(value) {
  return `${withMinus(degrees, value)}°`;
}

/**
 * Formats a share as a percentage.
 *
 * @param {number} share from 0 to 1
 */
export function formatShare(share) {
  return percentage.format(share);
}

/**
 * Formats a number with all its digits.
 *
 * @param {number | null} value
 */
export function formatExactly(value) {
  return withMinus(exact, value);
}

/**
 * Makes the name of a model readable: `california-housing` becomes `California housing`.
 *
 * @param {string} name
 */
export function readable(name) {
  const words = name.replaceAll(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
