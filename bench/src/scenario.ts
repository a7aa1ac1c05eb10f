import type { Table } from "./report/tables.ts";
import type { ReportProgress, Row } from "./turns.ts";

/** A bar chart of the figures of some rows. */
export interface Chart {
  /** The file name without its extension. */
  readonly name: string;
  readonly title: string;
  /** The labels of the rows to show. By default, all rows are shown. */
  readonly where?: Row;
  /** The column whose values are the groups of bars. */
  readonly group: string;
  /** The column whose values are the bars of a group. */
  readonly series?: string;
  /** The columns of the figures. Without `series`, each column is a series. */
  readonly figures: readonly string[];
  readonly isLogarithmic?: boolean;
}

/** A bound for a figure of all rows with these labels. */
interface Target {
  readonly where?: Row;
  readonly column: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The options of the command line; see its usage. */
interface Options
  extends Readonly<Record<"rounds" | "fuzz" | "seed" | "seconds" | "minutes", number>> {
  readonly against: string | undefined;
  readonly bodies: readonly string[];
}

/** A benchmark. Its table, charts and verdicts all come from the rows that it measured. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is measured and how, in Markdown. */
  readonly about: string;
  /** The table's columns. Rows may have more, for targets. */
  readonly columns: readonly string[];
  readonly charts?: readonly Chart[];
  readonly targets?: readonly Target[];
  /** The table of its section in the README, if it has one. */
  readonly overview?: (rows: readonly Row[]) => Table;
  /**
   * Starts the servers that it needs, measures, and stops them.
   *
   * @throws {Error} if the machine lacks something that it needs, or the figures would be wrong
   */
  measure(report: ReportProgress, options: Options): Promise<readonly Row[]>;
}

/** Returns whether a row has these labels. */
export const matches = (row: Row, where: Row = {}): boolean =>
  Object.entries(where).every(([column, cell]) => row[column] === cell);
