/** Figures, by the names of their columns. */
export type Figures = Readonly<Record<string, number>>;

/** One line of a scenario's results: labels and figures, by column. */
export type Row = Readonly<Record<string, string | number>>;

/** Shows what a scenario is doing, in one line. */
export type ReportProgress = (progress: string) => void;

/**
 * Returns a quantile.
 *
 * @param q from 0 to 1: 0.5 is the median
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function medians(runs: readonly Figures[]): Figures {
  const values = (name: string) => runs.map((run) => run[name] ?? Number.NaN);
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, quantile(values(name), 0.5)]));
}

/**
 * Runs contenders in turn, so that anything else the machine does affects all of them equally. The
 * first round is a warm-up.
 *
 * @returns one row per contender: its labels, and the medians of its figures
 */
export async function takeTurns(
  contenders: readonly { readonly labels: Row; readonly run: () => Promise<Figures> }[],
  report: ReportProgress,
  rounds = 5,
): Promise<readonly Row[]> {
  const found = contenders.map((contender) => ({ ...contender, runs: [] as Figures[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { labels, run, runs } of found) {
      report(`round ${round} of ${rounds}: ${Object.values(labels).filter(Boolean).join(", ")}`);
      const figures = await run();
      if (round > 0) runs.push(figures);
    }
  }
  return found.map(({ labels, runs }) => ({ ...labels, ...medians(runs) }));
}

/** Returns the figure of a row, divided by the figure of another row. */
export const ratio = (row: Row | undefined, other: Row | undefined, column: string): number =>
  Number(row?.[column]) / Number(other?.[column]);
