import { matches, type Scenario } from "../scenario.ts";
import type { Row } from "../turns.ts";

/** A header and rows of text. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const digits = { minimumSignificantDigits: 3, maximumSignificantDigits: 3 } as const;
const nearest = new Intl.NumberFormat("en", digits);
const down = new Intl.NumberFormat("en", { ...digits, roundingMode: "floor" });
const up = new Intl.NumberFormat("en", { ...digits, roundingMode: "ceil" });
const whole = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Writes a figure with three significant digits, an integer with at most three. */
export const figureText = (figure: number): string =>
  (Number.isInteger(figure) ? whole : nearest).format(figure);

/** Returns the table of a scenario, without columns that are empty or 0 in all rows. */
export function rowTable({ columns }: Scenario, rows: readonly Row[]): Table {
  const shown = columns.filter((column) => rows.some((row) => row[column]));
  const text = (cell: string | number = "") => (typeof cell === "number" ? figureText(cell) : cell);
  return { columns: shown, rows: rows.map((row) => shown.map((column) => text(row[column]))) };
}

/** Returns one line per target, with PASS or FAIL and the figure that is worst for the target. */
export function judge({ columns, targets = [] }: Scenario, rows: readonly Row[]): string[] {
  return targets.flatMap(({ where, column, atLeast = -Infinity, atMost = Infinity }) => {
    const isAtMost = atLeast === -Infinity;
    const [worst] = rows
      .filter((row) => matches(row, where) && row[column] !== undefined)
      .map((row) => ({ row, figure: Number(row[column]) }))
      .sort((a, b) => (isAtMost ? b.figure - a.figure : a.figure - b.figure));
    if (worst === undefined) return [];
    const { row, figure } = worst;
    const cells = columns.slice(0, 3).map((name) => row[name]);
    const texts = cells.filter((cell) => typeof cell === "string");
    const labels = new Set([...Object.values(where ?? {}), ...texts]);
    // Rounded to the worse side, so that a figure never looks better than it is.
    const text = isAtMost
      ? `${up.format(figure)} ≤ ${atMost}`
      : `${down.format(figure)} ≥ ${atLeast}`;
    const verdict = figure >= atLeast && figure <= atMost ? "PASS" : "FAIL";
    return [`${verdict}  ${column}: ${text}  (${[...labels].filter(Boolean).join(", ")})`];
  });
}

/** Returns whether a column contains figures, which are aligned to the right. */
export const isFigures = ({ rows }: Table, column: number): boolean =>
  rows.every((cells) => /^[\d,.]*$/.test(cells[column] ?? ""));

/** Writes a table with columns that are aligned by spaces. */
export function tableText(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const pads = table.columns.map((_, column) => {
    const width = Math.max(...lines.map((line) => line[column]?.length ?? 0));
    const isRight = isFigures(table, column);
    return (cell = "") => (isRight ? cell.padStart(width) : cell.padEnd(width));
  });
  const padded = (line: readonly string[]) => pads.map((pad, column) => pad(line[column]));
  return lines.map((line) => padded(line).join("  ").trimEnd()).join("\n");
}
