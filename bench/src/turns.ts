/** Figures by the name of their column. */
export type Figures = Readonly<Record<string, number>>;

/** One line of a scenario's results: labels and figures, by column. */
export type Row = Readonly<Record<string, string | number>>;

/** Receives what a scenario is doing, in one line. */
export type Tell = (progress: string) => void;

/** @param q from 0 to 1: 0.5 is the median */
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
 * Runs the contenders in turns, so that whatever else the machine does affects all of them alike.
 * The first round is a warm-up.
 *
 * @returns for each contender its labels and the medians of its figures
 */
export async function takeTurns(
  contenders: readonly { readonly labels: Row; readonly run: () => Promise<Figures> }[],
  tell: Tell,
  rounds = 5,
): Promise<readonly Row[]> {
  const found = contenders.map((contender) => ({ ...contender, runs: [] as Figures[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { labels, run, runs } of found) {
      tell(`round ${round} of ${rounds}: ${Object.values(labels).filter(Boolean).join(", ")}`);
      const figures = await run();
      if (round > 0) runs.push(figures);
    }
  }
  return found.map(({ labels, runs }) => ({ ...labels, ...medians(runs) }));
}

/** How many times the other row's figure a row's figure is. */
export const ratio = (row: Row | undefined, other: Row | undefined, column: string): number =>
  Number(row?.[column]) / Number(other?.[column]);
