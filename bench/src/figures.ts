import type { Cell, Section, Verdict } from "./report.ts";

/** A header and rows of text, as wide as it. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const threeDigits = { minimumSignificantDigits: 3, maximumSignificantDigits: 3 } as const;
const nearest = new Intl.NumberFormat("en", threeDigits);
const whole = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const down = new Intl.NumberFormat("en", { ...threeDigits, roundingMode: "floor" });
const up = new Intl.NumberFormat("en", { ...threeDigits, roundingMode: "ceil" });

/** A figure with three digits, a whole one with three at most. */
export const figureText = (figure: number): string =>
  (Number.isInteger(figure) ? whole : nearest).format(figure);

const cellText = (cell: Cell) => (typeof cell === "number" ? figureText(cell) : cell);

/** A section's table, its figures with three digits. */
export const sectionTable = ({ columns, rows }: Section): Table => ({
  columns,
  rows: rows.map((cells) => cells.map(cellText)),
});

/** Whether a figure reaches its target. */
export const passes = ({ figure, bound, target }: Verdict): boolean =>
  bound === "at least" ? figure >= target : figure <= target;

function verdictRow(verdict: Verdict): readonly string[] {
  const { what, measure, figure, bound, target } = verdict;
  const [rounding, sign] = bound === "at least" ? [down, "≥"] : [up, "≤"];
  const judgement = passes(verdict) ? "PASS" : "FAIL";
  return [what, measure, rounding.format(figure), `${sign} ${target}`, judgement];
}

/** Every verdict of the sections. A figure is rounded to its bad side, so that it never flatters. */
export const verdictTable = (sections: readonly Section[]): Table => ({
  columns: ["what", "measure", "figure", "target", "verdict"],
  rows: sections.flatMap(({ verdicts }) => verdicts.map(verdictRow)),
});

/** Whether all that stands in a column is figures, which are read from the right. */
export const isFigures = ({ rows }: Table, column: number): boolean =>
  rows.every((cells) => /^(?:$|[\d≥≤~−-])/.test(cells[column] ?? ""));
