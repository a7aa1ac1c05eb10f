import type { Table } from "./report/tables.ts";
import type { Row, Tell } from "./turns.ts";

/** Bars for the figures of some rows. */
export interface Chart {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  /** Labels of the rows that are shown; default: all rows. */
  readonly where?: Row;
  /** The column whose values are the groups of bars. */
  readonly group: string;
  /** The column whose values are the bars of a group. */
  readonly series?: string;
  /** The columns of the figures. Without a column of series, each is a series. */
  readonly figures: readonly string[];
  readonly isLogarithmic?: boolean;
}

/** A figure that must be reached, by all rows with these labels. */
interface Target {
  readonly where?: Row;
  readonly column: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What the command line says: see its usage. */
export interface Options extends Readonly<Record<"rounds" | "fuzz" | "seed" | "seconds", number>> {
  readonly against: string | undefined;
  readonly bodies: readonly string[];
}

/** A benchmark. Its table, charts and verdicts all come from the rows that it measured. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is measured, and how, in Markdown. */
  readonly about: string;
  /** The table's columns. Rows may have more, for targets. */
  readonly columns: readonly string[];
  readonly charts?: readonly Chart[];
  readonly targets?: readonly Target[];
  /** The table of its section in the README, if it has one. */
  readonly overview?: (rows: readonly Row[]) => Table;
  /**
   * Starts what it needs, measures, and stops all of it.
   *
   * @throws {LeftOut} if the machine lacks what it needs
   * @throws if the figures would mean something else than they should
   */
  measure(tell: Tell, options: Options): Promise<readonly Row[]>;
}

/** Whether a row has these labels. */
export const matches = (row: Row, where: Row = {}): boolean =>
  Object.entries(where).every(([column, cell]) => row[column] === cell);
