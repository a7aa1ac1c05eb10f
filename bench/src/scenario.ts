import type { Table } from "./report/tables.ts";

/** One line of a scenario's results: labels and figures, by column. */
export type Row = Readonly<Record<string, string | number>>;

/** A bar chart of the figures of some rows. Its name is that of its file. */
export interface Chart {
  readonly name: string;
  readonly title: string;
  /** The labels of the rows to show. By default, all rows are shown. */
  readonly where?: Row;
  /** The column whose values are the groups of bars. */
  readonly group: string;
  /** The column whose values are the bars of a group. */
  readonly series: string;
  /** The column of the figures. */
  readonly figure: string;
  readonly isLogarithmic?: boolean;
}

/** A bound for a figure of all rows with these labels. */
interface Target {
  readonly where?: Row;
  readonly column: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One run of a scenario, with the options of the command line. */
export interface Run {
  readonly rounds: number;
  readonly against?: string;
  readonly body?: readonly string[];
  readonly seconds: number;
  readonly minutes: number;
  /** Shows what the scenario is doing, in one line. */
  readonly report: (progress: string) => void;
  /** What the scenario starts. It is stopped at the end, even if the scenario fails. */
  readonly stack: AsyncDisposableStack;
}

/** A benchmark, which `docs/benchmarks.md` describes. All that is shown comes from its rows. */
export interface Scenario {
  readonly name: string;
  /** The table's columns. Rows may have more, for targets. */
  readonly columns: readonly string[];
  readonly charts?: readonly Chart[];
  readonly targets?: readonly Target[];
  /** Its table in the README, if it has one. */
  readonly overview?: (rows: readonly Row[]) => Table;
  /** @throws {Error} if the machine lacks something, or the figures would be wrong */
  measure(run: Run): Promise<readonly Row[]>;
}

/** Returns whether a row has these labels. */
export const matches = (row: Row, where: Row = {}): boolean =>
  Object.entries(where).every(([column, cell]) => row[column] === cell);
