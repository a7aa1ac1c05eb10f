/** @import { ModelDescription } from "../describe-model.ts" */
/** @import { ChoiceFeature, Feature, NumericFeature } from "./distribution.js" */
import { createDistribution, isChoice } from "./charts.js";
import { choicesOf, cumulativePoints, shareUpTo, sliderRange } from "./distribution.js";
import { element, showText } from "./dom.js";
import { formatNumber, formatShare } from "./format.js";

/**
 * The controls of a feature.
 *
 * @typedef {object} Field
 * @property {HTMLInputElement | HTMLSelectElement} input
 * @property {HTMLElement} controls
 * @property {() => unknown} value undefined if the field is empty
 * @property {(value: unknown) => void} set
 * @property {() => void} refresh shows the value in the other controls
 */

/** A form for a record of a model, with one field per feature. */
export class RecordForm {
  #form;
  #features;
  /** @type {Map<string, { feature: Feature, field: Field, error: HTMLElement, range: HTMLElement }>} */
  #fields = new Map();

  /**
   * @param {HTMLFormElement} form
   * @param {ModelDescription} model
   * @param {() => void} onChange called when the user changes a value
   */
  constructor(form, { features, record }, onChange) {
    this.#form = form;
    this.#features = features;
    for (const [index, feature] of features.entries()) {
      this.#addField(feature, `feature-${index}`, record);
    }
    form.addEventListener("input", () => {
      this.#refresh();
      onChange();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.reset();
  }

  /**
   * @param {Feature} feature
   * @param {string} id
   * @param {ModelDescription["record"]} names
   */
  #addField(feature, id, names) {
    const { name, title = name, description, importance } = feature;
    const error = element("p", { id: `${id}-error`, class: "error", hidden: "" });
    const range = element("p", { id: `${id}-range`, class: "mark", hidden: "" });
    const field = isChoice(feature)
      ? createChoice(feature, id, names.plural)
      : createNumber(feature, id, title, names.plural);
    field.input.setAttribute("aria-describedby", `${id}-hint ${id}-range ${id}-error`);
    const share = importance === undefined ? undefined : `Importance ${formatShare(importance)}`;
    const hints = [description, share].filter((text) => text !== undefined);
    this.#form.append(
      element(
        "div",
        { class: "field" },
        element(
          "div",
          { class: "field-head" },
          element("label", { for: id }, title),
          element("p", { id: `${id}-hint`, class: "hint" }, hints.join(" · ")),
        ),
        field.controls,
        element("div", { class: "messages" }, range, error),
      ),
    );
    this.#fields.set(name, { feature, field, error, range });
  }

  #refresh() {
    for (const { field } of this.#fields.values()) field.refresh();
  }

  /** Returns the values as a record. Empty fields are left out. */
  record() {
    return Object.fromEntries(
      Array.from(this.#fields, ([name, { field }]) => [name, field.value()]),
    );
  }

  /**
   * @param {string} name the name of a feature
   * @returns {unknown}
   */
  value(name) {
    return this.#fields.get(name)?.field.value();
  }

  /**
   * Changes some values.
   *
   * @param {Readonly<Record<string, unknown>>} values
   */
  set(values) {
    for (const [name, value] of Object.entries(values)) this.#fields.get(name)?.field.set(value);
    this.#refresh();
  }

  /** Shows the example of the model card. */
  reset() {
    this.set(Object.fromEntries(this.#features.map(({ name, example }) => [name, example])));
  }

  /**
   * Shows errors at their fields, and removes all others.
   *
   * @param {ReadonlyMap<string, string>} messages by the name of the feature
   */
  showErrors(messages) {
    for (const [name, { field, error }] of this.#fields) {
      const message = messages.get(name);
      showText(error, message);
      field.input.setAttribute("aria-invalid", String(message !== undefined));
    }
  }

  /**
   * Marks the features that are outside of the range of the training rows.
   *
   * @param {ReadonlySet<string>} names
   */
  showOutOfRange(names) {
    for (const [name, { feature, range }] of this.#fields) {
      showText(range, names.has(name) ? describeRange(feature) : undefined);
    }
  }
}

/** @param {Feature} feature */
function describeRange(feature) {
  const text = "Outside the range of the training rows";
  if (isChoice(feature)) return text;
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = feature;
  return `${text}, ${formatNumber(minimum)} to ${formatNumber(maximum)}`;
}

/**
 * @param {ChoiceFeature} feature
 * @param {string} id
 * @param {string} plural
 * @returns {Field}
 */
function createChoice(feature, id, plural) {
  const chart = element("div", { class: "distribution" });
  const summary = element("p", { class: "scale" });
  const choices = choicesOf(feature);
  const { shares } = feature;
  /** @type {ReturnType<typeof createDistribution>} */
  let mark;
  const show = (/** @type {string} */ choice) => {
    mark ??= createDistribution(chart, feature);
    mark?.(choices.indexOf(choice));
    if (shares === undefined) return;
    summary.textContent = `${formatShare(shares[choice] ?? 0)} of the ${plural} in the training rows`;
  };
  if (feature.type === "boolean") {
    const input = element("input", { id, type: "checkbox" });
    return {
      input,
      controls: element("div", { class: "controls" }, chart, summary, input),
      value: () => input.checked,
      set: (value) => {
        input.checked = value === true;
      },
      refresh: () => show(String(input.checked)),
    };
  }
  const options = choices.map((choice) => element("option", { value: choice }, choice));
  const input = element("select", { id }, ...options);
  return {
    input,
    controls: element("div", { class: "controls" }, chart, summary, input),
    value: () => input.value,
    set: (value) => {
      input.value = String(value);
    },
    refresh: () => show(input.value),
  };
}

/**
 * @param {NumericFeature} feature
 * @param {string} id
 * @param {string} title
 * @param {string} plural
 * @returns {Field}
 */
function createNumber(feature, id, title, plural) {
  const { min, max, step } = sliderRange(feature);
  const points = cumulativePoints(feature);
  const input = element("input", { id, type: "number", step: "any", inputmode: "decimal" });
  const slider = element("input", {
    type: "range",
    min,
    max,
    step,
    "aria-label": `${title}, slider`,
  });
  const chart = element("div", { class: "distribution" });
  const position = element("span");
  /** @type {ReturnType<typeof createDistribution>} */
  let mark;
  slider.addEventListener("input", () => {
    input.value = slider.value;
  });
  const value = () => (input.value === "" ? undefined : Number(input.value));
  const unit = feature.unit === undefined ? [] : [element("span", { class: "unit" }, feature.unit)];
  return {
    input,
    controls: element(
      "div",
      { class: "controls" },
      chart,
      slider,
      element(
        "p",
        { class: "scale" },
        element("span", {}, formatNumber(min)),
        position,
        element("span", {}, formatNumber(max)),
      ),
      element("div", { class: "input-group" }, input, ...unit),
    ),
    value,
    set: (next) => {
      input.value = String(next);
    },
    refresh: () => {
      const current = value();
      mark ??= createDistribution(chart, feature);
      mark?.(current);
      if (current === undefined) {
        position.textContent = "";
        return;
      }
      slider.value = String(current);
      if (points.length > 0) position.textContent = describePosition(points, current, plural);
    },
  };
}

/**
 * Says where a value is among the training rows.
 *
 * @param {ReturnType<typeof cumulativePoints>} points
 * @param {number} value
 * @param {string} plural
 */
function describePosition(points, value, plural) {
  const [least] = points;
  const most = points.at(-1);
  if (least !== undefined && value < least.value) return `below all ${plural}`;
  if (most !== undefined && value > most.value) return `above all ${plural}`;
  return `${formatShare(shareUpTo(points, value))} of ${plural} at or below`;
}
