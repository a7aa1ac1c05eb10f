/** @import { ModelDescription } from "../describe-model.ts" */
import { element, find } from "./dom.js";
import { formatExactly, formatNumber, formatQuantity, formatShare } from "./format.js";

/**
 * The body of a response of `/predict`. A number that is not finite is null.
 *
 * @typedef {object} Prediction
 * @property {number | null | (number | null)[]} prediction
 * @property {[number, number]} [interval] absent if the model has no intervals
 */

/**
 * Shows a prediction.
 *
 * @param {ModelDescription} model
 * @param {Prediction} result
 */
export function showPrediction({ target, intervalLevel = 0 }, { prediction, interval }) {
  const { unit, outputs } = target;
  const panel = find("prediction", HTMLElement);
  if (Array.isArray(prediction)) {
    panel.replaceChildren(tableOf(prediction, outputs));
    return;
  }
  const parts = [element("p", { class: "value" }, formatQuantity(prediction, unit))];
  if (interval !== undefined) {
    const [low, high] = interval.map((bound) => formatQuantity(bound, unit));
    const text = `${formatShare(intervalLevel)} interval: ${low} to ${high}`;
    parts.push(element("p", { class: "interval" }, text));
  }
  const exact = `${formatExactly(prediction)}${unit === undefined ? "" : ` in units of ${unit}`}`;
  parts.push(element("p", { class: "hint" }, exact));
  panel.replaceChildren(...parts);
}

/**
 * @param {readonly (number | null)[]} values
 * @param {readonly string[]} [names]
 */
function tableOf(values, names) {
  const areShares = values.every((value) => value !== null && value >= 0 && value <= 1);
  const rows = values.map((value, index) => {
    const name = names?.[index] ?? `Output ${index + 1}`;
    const meter = { min: 0, max: 1, value: value ?? 0, "aria-label": name };
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", {}, formatNumber(value)),
      ...(areShares ? [element("td", { class: "meter-cell" }, element("meter", meter))] : []),
    );
  });
  return element("table", { class: "outputs" }, element("tbody", {}, ...rows));
}
