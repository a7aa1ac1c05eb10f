/** @import { ModelDescription } from "../describe-model.ts" */
/** @import { Reply } from "./client.js" */
import { Client, messageOf, validationErrors } from "./client.js";
import { element, find, showText } from "./dom.js";
import { ExplanationPanel } from "./explanation.js";
import { RecordForm } from "./fields.js";
import { createFileSection } from "./file-section.js";
import { readable } from "./format.js";
import { createMap } from "./map.js";
import { showPrediction } from "./prediction.js";
import { createRequestList } from "./request-list.js";

/** How long the page waits for more changes before it sends a request. */
const debounceMs = 150;

async function loadModel() {
  const response = await fetch("/playground/model.json");
  if (!response.ok) throw new Error(`/playground/model.json has status ${response.status}`);
  /** @type {ModelDescription} */
  const model = await response.json();
  return model;
}

/**
 * Asks for an API token.
 *
 * @param {boolean} wasRefused whether the service refused the last one
 * @returns {Promise<string | undefined>}
 */
function askForToken(wasRefused) {
  const dialog = find("token-dialog", HTMLDialogElement);
  const input = find("token", HTMLInputElement);
  input.value = "";
  find("token-error", HTMLElement).hidden = !wasRefused;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "use" && input.value !== "" ? input.value : undefined),
      { once: true },
    );
  });
}

/** @param {ModelDescription} model */
function showModel({ name, description, version, record, target }) {
  document.title = `${readable(name)} – Playground`;
  find("model-name", HTMLElement).textContent = readable(name);
  showText(find("model-description", HTMLElement), description);
  const shortVersion = element("code", { title: version }, version.slice(0, 12));
  find("model-version", HTMLElement).replaceChildren(`Model ${name}, version `, shortVersion);
  find("record-heading", HTMLElement).textContent = readable(record.singular);
  const explanation = [target.name, target.description].filter(Boolean).join(": ");
  find("target", HTMLElement).textContent = explanation;
}

/**
 * Shows a map if the model has locations.
 *
 * @param {ModelDescription} model
 * @param {RecordForm} form
 * @param {() => void} onChange called when the user changes the location
 * @returns {() => void} shows the location of the form on the map
 */
function addMap({ features, record, target, locations }, form, onChange) {
  if (locations === undefined) return () => {};
  const { latitude, longitude } = locations;
  const titleOf = (/** @type {string} */ wanted) =>
    features.find(({ name }) => name === wanted)?.title ?? wanted;
  find("map-panel", HTMLElement).hidden = false;
  find("map-hint", HTMLElement).textContent =
    `Click on the map to set the location, or use the fields ${titleOf(latitude)} and ${titleOf(longitude)}. Colors show the mean of the training rows.`;
  const moveMarker = createMap(find("map", HTMLElement), locations, {
    unit: target.unit,
    plural: record.plural,
    onPick(place) {
      form.set({ [latitude]: place.latitude, [longitude]: place.longitude });
      onChange();
    },
  });
  return () => {
    const [north, east] = [form.value(latitude), form.value(longitude)];
    moveMarker({
      ...(typeof north === "number" && { latitude: north }),
      ...(typeof east === "number" && { longitude: east }),
    });
  };
}

/** @param {ModelDescription} model */
function run(model) {
  const { features, intervalLevel } = model;
  const query = intervalLevel === undefined ? "" : `?interval=${intervalLevel}`;
  const titles = new Map(features.map(({ name, title = name }) => [name, title]));
  const predictionError = find("prediction-error", HTMLElement);
  const explanation = new ExplanationPanel(model);
  const forget = find("forget-token", HTMLButtonElement);
  const listRequest = createRequestList(find("requests", HTMLTableElement), model.name);

  /** @param {Reply} reply */
  function onReply(reply) {
    listRequest(reply);
    forget.hidden = !client.hasToken;
    const version = reply.headers.get("x-model-version");
    if (version !== null && version !== model.version) {
      const reload = element("a", { href: "" }, "Load this page again");
      const notice = find("notice", HTMLElement);
      notice.replaceChildren("The service has a new version of the model. ", reload, ".");
      notice.hidden = false;
    }
  }
  const client = new Client(askForToken, onReply);
  forget.addEventListener("click", () => {
    client.forgetToken();
    forget.hidden = true;
  });

  let controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {Reply} reply */
  function showReply(reply) {
    const failed = reply.status !== 200;
    /** @type {Map<string, string>} */
    const messages = new Map();
    for (const { loc, msg } of validationErrors(reply)) {
      const [, name] = loc;
      if (typeof name === "string" && titles.has(name)) messages.set(name, msg);
    }
    form.showErrors(messages);
    const outOfRange = reply.headers.get("x-out-of-range") ?? "";
    form.showOutOfRange(new Set(outOfRange.split(", ").map(decodeURIComponent)));
    const isMarked = messages.size > 0;
    showText(
      predictionError,
      failed ? (isMarked ? "Correct the marked fields." : messageOf(reply)) : undefined,
    );
    if (failed) find("prediction", HTMLElement).replaceChildren();
    else showPrediction(model, reply.body);
  }

  async function predict() {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const record = form.record();
    try {
      const predicted = client.post(`/predict${query}`, record, signal).then(showReply);
      const explained = explanation.isPossible
        ? client.post("/explain", record, signal).then((reply) => explanation.show(reply))
        : undefined;
      await Promise.all([predicted, explained]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function onChange() {
    showPlace();
    clearTimeout(timer);
    timer = setTimeout(predict, debounceMs);
  }
  find("workspace", HTMLElement).hidden = false;
  const form = new RecordForm(find("record", HTMLFormElement), model, onChange);
  const showPlace = addMap(model, form, onChange);
  showPlace();

  find("reset", HTMLButtonElement).addEventListener("click", () => {
    form.reset();
    onChange();
  });
  createFileSection(model, client, `/bulk_predict${query}`);
  find("file-panel", HTMLElement).hidden = false;
  find("requests-panel", HTMLElement).hidden = false;
  predict();
}

find("token-cancel", HTMLButtonElement).addEventListener("click", () =>
  find("token-dialog", HTMLDialogElement).close(),
);

try {
  const model = await loadModel();
  showModel(model);
  run(model);
} catch (error) {
  showText(find("notice", HTMLElement), `The page cannot be shown: ${error}`);
  throw error;
}
