import { markdownTable } from "markdown-table";
import { matches, type Row, type Scenario } from "../scenario.ts";

/** Lines of cells. The first line is the header. */
export type Table = readonly (readonly string[])[];

/** Writes a label, or a figure with three significant digits; an integer with at most three. */
export function cellText(cell: string | number = ""): string {
  if (typeof cell === "string") return cell;
  const minimumSignificantDigits = Number.isInteger(cell) ? 1 : 3;
  return cell.toLocaleString("en", { minimumSignificantDigits, maximumSignificantDigits: 3 });
}

/** Returns the table of a scenario, without columns that are empty or 0 in all rows. */
export function rowTable({ columns }: Pick<Scenario, "columns">, rows: readonly Row[]): Table {
  const shown = columns.filter((column) => rows.some((row) => row[column]));
  return [shown, ...rows.map((row) => shown.map((column) => cellText(row[column])))];
}

/** Writes a table in Markdown. Figures are aligned to the right. */
export function tableText(table: Table): string {
  const [header = [], ...rows] = table;
  const align = header.map((_, column) =>
    rows.every((cells) => /^[\d,.]*$/.test(cells[column] ?? "")) ? "right" : "",
  );
  const escaped = table.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  return markdownTable(escaped, { align });
}

/** Returns one line per target, with PASS or FAIL and the figure that is worst for the target. */
export function judge({ columns, targets = [] }: Scenario, rows: readonly Row[]): string[] {
  return targets.flatMap(({ where = {}, column, atLeast, atMost }) => {
    const [worst] = rows
      .filter((row) => matches(row, where) && row[column] !== undefined)
      .map((row) => ({ row, figure: Number(row[column]) }))
      .sort((a, b) => (atLeast === undefined ? b.figure - a.figure : a.figure - b.figure));
    if (worst === undefined) return [];
    const { row, figure } = worst;
    const verdict =
      figure >= (atLeast ?? -Infinity) && figure <= (atMost ?? Infinity) ? "PASS" : "FAIL";
    const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    const [first = ""] = columns;
    const named = Object.values({ [first]: row[first], ...where }).filter(Boolean);
    const labels = named.map((label) => cellText(label)).join(", ");
    return [`${verdict}  ${column}: ${Number(figure.toPrecision(6))} ${bound}  (${labels})`];
  });
}
