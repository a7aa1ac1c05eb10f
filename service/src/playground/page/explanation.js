/** @import { ModelDescription } from "../describe-model.ts" */
/** @import { Reply } from "./client.js" */
import { createWaterfall, removeChart } from "./charts.js";
import { messageOf, validationErrors } from "./client.js";
import { element, find, showText } from "./dom.js";
import { formatDifference, formatQuantity } from "./format.js";

/** @typedef {number | number[]} Numbers one number, or one per output of the model */

/**
 * The body of a response of `/explain`.
 *
 * @typedef {object} Explanation
 * @property {Numbers} prediction
 * @property {Numbers} [margin] the sum of the contributions, if it is not the prediction
 * @property {Numbers} baseline
 * @property {Readonly<Record<string, Numbers>>} contributions
 */

/** Shows the contributions of the features to a prediction. */
export class ExplanationPanel {
  #panel = find("contributions-panel", HTMLElement);
  #message = find("contributions-message", HTMLElement);
  #container = find("contributions", HTMLElement);
  #choice = find("explained-choice", HTMLElement);
  #select = find("explained-output", HTMLSelectElement);
  #titles;
  #outputs;
  #unit;
  /** Whether the service can explain the model's predictions. */
  isPossible = true;
  /** @type {Explanation | undefined} */
  #explanation;
  /** The output that the user has chosen. */
  #chosen = -1;
  /** @type {ReturnType<typeof createWaterfall> | undefined} */
  #chart;

  /** @param {ModelDescription} model */
  constructor({ features, target }) {
    this.#titles = new Map(features.map(({ name, title = name }) => [name, title]));
    this.#unit = target.unit;
    this.#outputs = target.outputs ?? [];
    this.#select.addEventListener("change", () => {
      this.#chosen = this.#select.selectedIndex;
      this.#draw();
    });
  }

  /**
   * Shows a response of `/explain`.
   *
   * @param {Reply} reply
   */
  show(reply) {
    const { status, body } = reply;
    const errors = validationErrors(reply);
    const isImpossible = errors.some(({ type }) => type === "not_explainable");
    this.isPossible = !isImpossible;
    this.#panel.hidden = false;
    this.#explanation = status === 200 ? body : undefined;
    // An invalid record has its errors at its fields.
    const isSilent = status === 200 || (errors.length > 0 && !isImpossible);
    showText(this.#message, isSilent ? undefined : messageOf(reply));
    this.#draw();
  }

  #draw() {
    if (this.#chart !== undefined) removeChart(this.#chart);
    this.#chart = undefined;
    this.#container.replaceChildren();
    this.#choice.hidden = true;
    if (this.#explanation === undefined) return;
    const { prediction, margin, baseline, contributions } = this.#explanation;
    const output = this.#outputOf(prediction);
    const at = (/** @type {Numbers} */ value) => [value].flat()[output] ?? Number.NaN;
    const unit = margin === undefined ? this.#unit : undefined;
    const explained = {
      baseline: at(baseline),
      total: at(margin ?? prediction),
      totalLabel: margin === undefined ? "Prediction" : "Score",
      contributions: Object.entries(contributions).map(([name, amount]) => ({
        label: this.#titles.get(name) ?? name,
        amount: at(amount),
      })),
    };
    const box = element("div", { "aria-hidden": "true" });
    this.#container.append(box, contributionTable(explained, unit));
    this.#chart = createWaterfall(box, explained, unit);
  }

  /**
   * Returns the output to explain: the chosen one, or the one with the largest prediction.
   *
   * @param {Numbers} prediction
   */
  #outputOf(prediction) {
    if (!Array.isArray(prediction)) return 0;
    const output = this.#chosen >= 0 ? this.#chosen : prediction.indexOf(Math.max(...prediction));
    const options = prediction.map((_, index) =>
      element("option", {}, this.#outputs[index] ?? `Output ${index + 1}`),
    );
    this.#select.replaceChildren(...options);
    this.#select.selectedIndex = output;
    this.#choice.hidden = prediction.length === 1;
    return output;
  }
}

/**
 * Returns the contributions as a table for screen readers, which cannot read the chart.
 *
 * @param {import("./charts.js").Explained} explained
 * @param {string | undefined} unit
 */
function contributionTable({ baseline, total, totalLabel, contributions }, unit) {
  const row = (/** @type {string} */ label, /** @type {string} */ text) =>
    element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, text));
  return element(
    "table",
    { class: "visually-hidden" },
    element("caption", {}, "Contributions to the prediction"),
    element(
      "tbody",
      {},
      row("Average", formatQuantity(baseline, unit)),
      ...contributions.map(({ label, amount }) => row(label, formatDifference(amount, unit))),
      row(totalLabel, formatQuantity(total, unit)),
    ),
  );
}
