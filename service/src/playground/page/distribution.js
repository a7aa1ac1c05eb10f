/** @import { ModelDescription } from "../describe-model.ts" */

/** @typedef {ModelDescription["features"][number]} Feature */
/** @typedef {Extract<Feature, { type: "number" | "integer" }>} NumericFeature */
/** @typedef {Extract<Feature, { type: "boolean" | "category" }>} ChoiceFeature */

/**
 * The share of training rows that are not larger than a value.
 *
 * @typedef {{ value: number, share: number }} CumulativePoint
 */

/**
 * The share of a feature's range by which points of its distribution are apart. Between closer
 * points, rounding would matter.
 */
const minDistance = 0.005;

/**
 * Returns what the card says about a feature's cumulative distribution, in ascending order. The
 * bins are exact. The quantiles add details where they fit between them.
 *
 * @param {NumericFeature} feature
 * @returns {CumulativePoint[]} empty if the card says nothing
 */
export function cumulativePoints({ minimum, maximum, quantiles = {}, bins }) {
  if (minimum === undefined || maximum === undefined) return [];
  let share = 0;
  const fromBins = (bins?.edges ?? []).map((value, index) => {
    share += bins?.shares[index] ?? 0;
    return { value, share };
  });
  const exact = [...fromBins.filter(({ value }) => value < maximum), { value: maximum, share: 1 }];
  const points = minimum < (exact[0]?.value ?? minimum) ? [{ value: minimum, share: 0 }] : [];
  points.push(...exact);
  const apart = ((quantiles["0.99"] ?? maximum) - (quantiles["0.01"] ?? minimum)) * minDistance;
  for (const [probability, value] of Object.entries(quantiles)) {
    const at = Number(probability);
    const next = points.findIndex((point) => point.value >= value);
    const [before, after] = [points[next - 1], points[next]];
    if (before === undefined || after === undefined) continue;
    if (value - before.value < apart || after.value - value < apart) continue;
    if (at > before.share && at < after.share) points.splice(next, 0, { value, share: at });
  }
  return points;
}

/**
 * Returns the share of training rows that are not larger than a value, from 0 to 1.
 *
 * @param {readonly CumulativePoint[]} points
 * @param {number} value
 */
export function shareUpTo(points, value) {
  const next = points.findIndex((point) => point.value > value);
  if (next === -1) return 1;
  const after = points[next];
  const before = points[next - 1];
  if (before === undefined || after === undefined) return 0;
  const along = (value - before.value) / (after.value - before.value);
  return before.share + along * (after.share - before.share);
}

/** @param {number} size */
function roundStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  const digit = size / power;
  return (digit < 2 ? 1 : digit < 5 ? 2 : 5) * power;
}

/** Removes the rounding error of a multiple of a step. */
const tidy = (/** @type {number} */ value) => Number(value.toPrecision(12));

/** The number of steps that a slider has at least. */
const minSteps = 200;

/**
 * Returns the range and the step of a feature's slider: 98 % of the training rows, as far as the
 * feature's bounds allow.
 *
 * @param {NumericFeature} feature
 */
export function sliderRange(feature) {
  const { type, quantiles = {}, minimum, maximum, gt, ge, lt, le, example } = feature;
  const spread = Math.abs(example) || 1;
  let low = quantiles["0.01"] ?? minimum ?? ge ?? gt ?? example - spread;
  let high = quantiles["0.99"] ?? maximum ?? le ?? lt ?? example + spread;
  if (low >= high) [low, high] = [Math.min(low, high) - 1, Math.max(low, high) + 1];
  const size = roundStep((high - low) / minSteps);
  const step = type === "integer" ? Math.max(1, Math.round(size)) : size;
  let min = Math.floor(low / step) * step;
  let max = Math.ceil(high / step) * step;
  if (ge !== undefined) min = Math.max(min, ge);
  if (le !== undefined) max = Math.min(max, le);
  if (gt !== undefined && min <= gt) min = gt + step;
  if (lt !== undefined && max >= lt) max = lt - step;
  return { min: tidy(min), max: tidy(max), step: tidy(step) };
}

/** More values than these are drawn as a curve of steps. */
const maxBars = 12;

/**
 * Returns the distribution of a feature as bars. Each begins at its value; the last one has no
 * height and is the end. A height is relative to the largest.
 *
 * @param {NumericFeature} feature
 * @param {{ min: number, max: number }} range
 * @returns {{ kind: "steps" | "bars", values: number[], heights: number[] } | undefined}
 *   undefined if the card says nothing
 */
export function histogram(feature, { min, max }) {
  const points = cumulativePoints(feature);
  if (points.length < 2) return undefined;
  if (feature.type === "integer" && max - min < maxBars) {
    const values = Array.from({ length: max - min + 1 }, (_, index) => min + index);
    const shares = values.map((value) => shareUpTo(points, value) - shareUpTo(points, value - 1));
    return { kind: "bars", values, heights: relative(shares) };
  }
  const inside = points.map(({ value }) => value).filter((value) => value > min && value < max);
  const values = [min, ...inside, max];
  const densities = values.slice(1).map((value, index) => {
    const start = values[index] ?? min;
    return (shareUpTo(points, value) - shareUpTo(points, start)) / (value - start);
  });
  return { kind: "steps", values, heights: [...relative(densities), 0] };
}

/** @param {readonly number[]} heights */
function relative(heights) {
  const largest = Math.max(...heights);
  return heights.map((height) => (largest > 0 ? height / largest : 0));
}

/**
 * Returns the possible values of a feature that is a choice, as strings.
 *
 * @param {ChoiceFeature} feature
 */
export function choicesOf(feature) {
  return feature.type === "boolean" ? ["false", "true"] : feature.categories;
}
