/** @import { Client } from "./client.js" */
/** @import { Outcome } from "./bulk.js" */
/** @import { ModelDescription } from "../describe-model.ts" */
import { BulkError, predictAll } from "./bulk.js";
import { CsvError, parseTable, writeCsv } from "./csv.js";
import { element, find, showText } from "./dom.js";
import { formatNumber, formatQuantity } from "./format.js";

/** How many rows the table shows per page. */
const rowsPerPage = 15;

const count = new Intl.NumberFormat("en");

/**
 * A file and the outcomes of its rows.
 *
 * @typedef {{ columns: string[], rows: string[][], outcomes: Outcome[] }} Table
 */

/**
 * Lets the user predict the rows of a CSV file.
 *
 * @param {ModelDescription} model
 * @param {Client} client
 * @param {string} path where lists of records are predicted
 */
export function createFileSection(model, client, path) {
  const { features, record, target } = model;
  const names = features.map(({ name }) => name);
  const results = find("file-results", HTMLElement);
  const error = find("file-error", HTMLElement);
  const status = find("file-status", HTMLElement);
  const progress = find("file-progress", HTMLProgressElement);
  const cancel = find("file-cancel", HTMLButtonElement);
  const download = find("download", HTMLButtonElement);
  const onlyErrors = find("only-errors", HTMLInputElement);
  const drop = find("drop", HTMLElement);
  const file = find("file", HTMLInputElement);
  const paste = find("paste", HTMLTextAreaElement);
  const previous = find("previous-page", HTMLButtonElement);
  const next = find("next-page", HTMLButtonElement);

  /** @type {Table} */
  let table = { columns: [], rows: [], outcomes: [] };
  let firstRow = 0;
  let controller = new AbortController();

  find("file-hint", HTMLElement).textContent =
    `The columns are ${names.join(", ")}. Other columns are kept but not sent.`;
  paste.placeholder = [names, features.map(({ example }) => String(example))]
    .map((cells) => cells.join(","))
    .join("\n");

  /**
   * Returns a row as a record. Empty cells are left out, so that the service says that the field is
   * required.
   *
   * @param {readonly string[]} row
   */
  function toRecord(row) {
    const cells = features.map((feature) => {
      const cell = row[table.columns.indexOf(feature.name)];
      const canBeEmpty = feature.type === "category" && feature.categories.includes("");
      return /** @type {const} */ ([feature.name, cell === "" && !canBeEmpty ? undefined : cell]);
    });
    return Object.fromEntries(cells);
  }

  /** @param {string} text */
  async function start(text) {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    showText(error);
    results.hidden = true;
    try {
      const { columns, rows } = parseTable(text);
      const missing = names.filter((name) => !columns.includes(name));
      if (missing.length > 0) {
        throw new CsvError(`The first line does not name these columns: ${missing.join(", ")}.`);
      }
      /** @type {Table} */
      const started = { columns, rows, outcomes: [] };
      table = started;
      firstRow = 0;
      onlyErrors.checked = false;
      results.hidden = false;
      progress.max = rows.length;
      showProgress(true);
      await predictAll(rows.map(toRecord), {
        plural: record.plural,
        maxRecords: model.maxRecords,
        post: (body) => client.post(path, body, signal),
        signal,
        onProgress(outcomes) {
          started.outcomes.push(...outcomes);
          if (!signal.aborted) showProgress(true);
        },
      });
    } catch (fault) {
      const isReplaced = signal !== controller.signal;
      if (isReplaced) return;
      if (fault instanceof CsvError || fault instanceof BulkError) showText(error, fault.message);
      else if (!signal.aborted) throw fault;
    }
    showProgress(false);
  }

  /** @param {boolean} isRunning */
  function showProgress(isRunning) {
    const { rows, outcomes } = table;
    const invalid = outcomes.filter(({ errors }) => errors !== undefined).length;
    progress.value = outcomes.length;
    progress.hidden = !isRunning;
    cancel.hidden = !isRunning;
    download.disabled = isRunning;
    const done = `${count.format(outcomes.length)} of ${count.format(rows.length)} rows`;
    const withErrors = invalid === 1 ? "1 has errors" : `${count.format(invalid)} have errors`;
    status.textContent = isRunning
      ? `${done}…`
      : `${done}: ${count.format(outcomes.length - invalid)} predicted, ${withErrors}.`;
    showRows();
  }

  /** Returns the positions of the rows that the table can show. */
  function listed() {
    const all = Array.from(table.rows.keys());
    return onlyErrors.checked ? all.filter((row) => table.outcomes[row]?.errors) : all;
  }

  function showRows() {
    const rows = listed();
    firstRow = Math.max(0, Math.min(firstRow, rows.length - 1));
    firstRow -= firstRow % rowsPerPage;
    const shown = rows.slice(firstRow, firstRow + rowsPerPage);
    const { columns } = table;
    const head = ["Row", ...columns, "Prediction"].map((title) =>
      element("th", { scope: "col" }, title),
    );
    find("file-table", HTMLTableElement).replaceChildren(
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...shown.map(tableRow)),
    );
    const last = firstRow + shown.length;
    find("page-status", HTMLElement).textContent =
      rows.length === 0
        ? "No rows"
        : `${count.format(firstRow + 1)} to ${count.format(last)} of ${count.format(rows.length)}`;
    previous.disabled = firstRow === 0;
    next.disabled = last >= rows.length;
  }

  /** @param {number} index */
  function tableRow(index) {
    const { columns, rows, outcomes } = table;
    const { errors = [], ...outcome } = outcomes[index] ?? {};
    const cells = columns.map((column, position) => {
      const cell = rows[index]?.[position] ?? "";
      const messages = errors.filter(({ field }) => field === column);
      if (messages.length === 0) return element("td", {}, cell);
      const texts = messages.map(({ message }) => element("p", { class: "error" }, message));
      return element("td", { class: "invalid" }, cell, ...texts);
    });
    const others = errors.filter(({ field }) => field === undefined || !columns.includes(field));
    const result = others.length > 0 ? others.map(({ message }) => message).join(". ") : "";
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, String(index + 1)),
      ...cells,
      element("td", { class: "result" }, result || describeOutcome(outcome)),
    );
  }

  /** @param {Outcome} outcome */
  function describeOutcome({ prediction, interval }) {
    if (prediction === undefined) return "";
    if (Array.isArray(prediction)) return prediction.map(formatNumber).join(", ");
    const value = formatQuantity(prediction, target.unit);
    if (interval === undefined) return value;
    const [low, high] = interval;
    return `${value} (${formatQuantity(low, target.unit)} to ${formatQuantity(high, target.unit)})`;
  }

  /** Returns the rows with their predictions as CSV. */
  function toCsv() {
    const { columns, rows, outcomes } = table;
    const hasIntervals = outcomes.some(({ interval }) => interval !== undefined);
    const predicted = target.outputs?.map((output) => `prediction ${output}`) ?? ["prediction"];
    const bounds = hasIntervals ? ["prediction low", "prediction high"] : [];
    const lines = rows.map((row, index) => {
      const { prediction = predicted.map(() => ""), interval, errors } = outcomes[index] ?? {};
      const messages = errors?.map(({ field, message }) =>
        field === undefined ? message : `${field}: ${message}`,
      );
      return [
        ...columns.map((_, position) => row[position] ?? ""),
        ...[prediction].flat().map((number) => String(number ?? "")),
        ...bounds.map((_, position) => String(interval?.[position] ?? "")),
        messages?.join("; ") ?? "",
      ];
    });
    return writeCsv([[...columns, ...predicted, ...bounds, "errors"], ...lines]);
  }

  /** @param {File | undefined} chosen */
  async function read(chosen) {
    if (chosen) await start(await chosen.text());
  }

  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    await read(chosen);
    // The same file can be chosen again.
    file.value = "";
  });
  // A file that misses the area would replace the page.
  for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") read(event.dataTransfer.files[0]);
    });
  }
  find("paste-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    start(paste.value);
  });
  cancel.addEventListener("click", () => controller.abort());
  onlyErrors.addEventListener("change", showRows);
  previous.addEventListener("click", () => {
    firstRow -= rowsPerPage;
    showRows();
  });
  next.addEventListener("click", () => {
    firstRow += rowsPerPage;
    showRows();
  });
  download.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([toCsv()], { type: "text/csv" }));
    element("a", { href: url, download: `${record.plural}-predicted.csv` }).click();
    URL.revokeObjectURL(url);
  });
}
