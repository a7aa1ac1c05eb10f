/** What a scenario found: one source for the terminal, the JSON file and the documentation. */
export interface Section {
  /** The scenario, as on the command line. */
  readonly name: string;
  readonly title: string;
  /** What was measured, and how; Markdown. */
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly charts: readonly Chart[];
  readonly verdicts: readonly Verdict[];
}

/** A figure is a number, which the report rounds to three digits; all else is text. */
export type Cell = string | number;

/** A figure that must be reached, and whether it is. */
export interface Verdict {
  /** What is judged: `10 houses, memory hit`. */
  readonly what: string;
  /** What the figure is: `requests/s to bare Hono's`, `p99 in ms`. */
  readonly measure: string;
  readonly figure: number;
  readonly bound: "at least" | "at most";
  readonly target: number;
}

/** A picture of some of a section's figures. */
export type Chart = BarChart | LineChart;

/** One group of bars a label, one bar in it a series. */
export interface BarChart {
  readonly kind: "bars";
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly scale: "linear" | "log";
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Lines over two logarithmic axes. */
export interface LineChart {
  readonly kind: "lines";
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}
