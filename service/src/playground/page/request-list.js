/** @import { Reply } from "./client.js" */
import { element } from "./dom.js";

/** How many requests the list shows. */
const maxRequests = 10;

/** @param {string | null} text */
const orDash = (text) => text || "–";

/**
 * Writes `parse;dur=0.041, cache;dur=0` as `parse 0.041 ms, cache 0 ms`.
 *
 * @param {string | null} header
 */
function readableTiming(header) {
  return orDash(header)
    .split(", ")
    .map((phase) => phase.replace(/;dur=(.+)/, " $1 ms"))
    .join(", ");
}

/** @param {Headers} headers */
function cacheOutcome(headers) {
  const outcome = headers.get("x-cache");
  if (outcome === null) return "–";
  const [, ...details] = (headers.get("cache-status") ?? "").split("; ");
  return element("span", {}, outcome, " ", element("small", {}, details.join("; ")));
}

/**
 * Creates the list of the latest requests.
 *
 * @param {HTMLTableElement} table
 * @param {string} model the name of the model
 * @returns {(reply: Reply) => void} adds a request
 */
export function createRequestList(table, model) {
  const titles = ["Request", "Status", "Cache", "Server timing", "Total", "Model and version"];
  const head = table.createTHead().insertRow();
  for (const title of titles) head.append(element("th", { scope: "col" }, title));
  const rows = table.createTBody();

  return ({ path, status, headers, durationMs }) => {
    const version = headers.get("x-model-version");
    const cells = [
      element("code", {}, `POST ${path}`),
      status === 0 ? "no response" : String(status),
      cacheOutcome(headers),
      readableTiming(headers.get("server-timing")),
      `${durationMs.toFixed(0)} ms`,
      version === null
        ? "–"
        : element("span", { title: version }, `${model} ${version.slice(0, 12)}`),
    ];
    const row = rows.insertRow(0);
    for (const cell of cells) row.insertCell().append(cell);
    while (rows.rows.length > maxRequests) rows.deleteRow(-1);
  };
}
