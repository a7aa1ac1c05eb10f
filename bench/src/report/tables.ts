import { markdownTable } from "markdown-table";
import { matches, type Row, type Scenario } from "../scenario.ts";

/** Lines of cells. The first line is the header. */
export type Table = readonly (readonly string[])[];

const whole = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const other = new Intl.NumberFormat("en", {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});

/** Writes a label, or a figure with three significant digits; an integer with at most three. */
export function cellText(cell: string | number = ""): string {
  if (typeof cell === "string") return cell;
  return (Number.isInteger(cell) ? whole : other).format(cell);
}

/** Returns the table of a scenario, without columns that are empty or 0 in all rows. */
export function rowTable({ columns }: Pick<Scenario, "columns">, rows: readonly Row[]): Table {
  const shown = columns.filter((column) => rows.some((row) => row[column]));
  return [shown, ...rows.map((row) => shown.map((column) => cellText(row[column])))];
}

/** Writes a table in Markdown. Figures are aligned to the right. */
export function tableText(table: Table): string {
  const [header = [], ...rows] = table.map((cells) =>
    cells.map((cell) => cell.replaceAll("|", "\\|")),
  );
  const isFigures = (column: number) =>
    rows.every((cells) => /^[\d,.]*$/.test(cells[column] ?? ""));
  return markdownTable([header, ...rows], {
    align: header.map((_, column) => (isFigures(column) ? "right" : "")),
  });
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
    const isMet = figure >= (atLeast ?? -Infinity) && figure <= (atMost ?? Infinity);
    const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    const texts = columns
      .slice(0, 3)
      .map((name) => row[name])
      .filter((cell) => typeof cell === "string");
    const labels = new Set([...Object.values(where), ...texts].filter(Boolean));
    const exact = Number(figure.toPrecision(6));
    return [
      `${isMet ? "PASS" : "FAIL"}  ${column}: ${exact} ${bound}  (${[...labels].join(", ")})`,
    ];
  });
}
