/** A text is not a table. */
export class CsvError extends Error {}

const delimiters = [",", ";", "\t"];

/**
 * Returns the delimiter that occurs most often in the first line, outside of quotes.
 *
 * @param {string} text
 */
function findDelimiter(text) {
  const [line = ""] = text.replaceAll(/"[^"]*"/g, "").split(/[\r\n]/, 1);
  const count = (/** @type {string} */ delimiter) => line.split(delimiter).length;
  return delimiters.reduce((best, each) => (count(each) > count(best) ? each : best));
}

/**
 * Splits CSV (RFC 4180) into rows of cells. Cells are separated by commas, semicolons or tabs.
 * Blank lines are ignored.
 *
 * @param {string} text
 * @throws {CsvError} if a quote is not closed
 */
function parseCsv(text) {
  const delimiter = findDelimiter(text);
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let cell = "";
  let line = 1;

  function endRow() {
    row.push(cell);
    if (row.length > 1 || cell !== "") rows.push(row);
    row = [];
    cell = "";
  }

  let position = text.startsWith("\uFEFF") ? 1 : 0;
  while (position < text.length) {
    const character = text.charAt(position);
    if (character === '"' && cell === "") {
      const start = line;
      for (;;) {
        const end = text.indexOf('"', position + 1);
        if (end === -1) throw new CsvError(`The quote that begins in line ${start} is not closed.`);
        cell += text.slice(position + 1, end);
        line += text.slice(position + 1, end).split("\n").length - 1;
        position = end + 1;
        if (text.charAt(position) !== '"') break;
        cell += '"';
      }
      continue;
    }
    position++;
    if (character === delimiter) {
      row.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\n") line++;
      endRow();
    } else {
      cell += character;
    }
  }
  endRow();
  return rows;
}

/**
 * Splits CSV into the names of its columns and its rows.
 *
 * @param {string} text
 * @returns {{ columns: string[], rows: string[][] }}
 * @throws {CsvError} if it has no rows, or two columns with the same name
 */
export function parseTable(text) {
  const [columns = [], ...rows] = parseCsv(text);
  if (rows.length === 0) {
    throw new CsvError("There are no rows. The first line has the names of the columns.");
  }
  const repeated = columns.find((column, index) => columns.indexOf(column) < index);
  if (repeated !== undefined) throw new CsvError(`Two columns have the name ${repeated}.`);
  return { columns, rows };
}

/**
 * Writes CSV (RFC 4180).
 *
 * @param {readonly (readonly string[])[]} rows
 */
export function writeCsv(rows) {
  const quoted = (/** @type {string} */ cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}
