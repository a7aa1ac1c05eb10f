import type { Row, Run } from "./scenario.ts";

/** Figures, by the names of their columns. */
export type Figures = Readonly<Record<string, number>>;

/** Loads of bodies that are in the cache, or not. `X-Cache` of each response is checked. */
export const hit = { known: 1, cache: "HIT" } as const;
export const miss = { known: 0, cache: "MISS" } as const;

/** The figures of a driven load that tables show. */
export const pace = ["requests/s", "CPU ms", "p50 ms", "p99 ms", "client cores", "wrong, %"];

/** What is measured in each round. */
export interface Turn {
  readonly labels: Row;
  readonly run: () => Promise<Figures>;
}

/** Returns a quantile. If `q` is 0.5, it is the median. */
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
 * Takes turns, so that anything else that the machine does affects all of them equally. The first
 * round is a warm-up. Returns one row per turn: its labels, and the medians of its figures.
 */
export async function takeTurns(turns: readonly Turn[], { report, rounds }: Run) {
  const found = turns.map((turn) => ({ ...turn, runs: [] as Figures[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { labels, run, runs } of found) {
      report(`round ${round} of ${rounds}: ${Object.values(labels).filter(Boolean).join(", ")}`);
      const figures = await run();
      if (round > 0) runs.push(figures);
    }
  }
  return found.map(({ labels, runs }): Row => ({ ...labels, ...medians(runs) }));
}

/** Returns the figure of a row, divided by the figure of another row. */
export const ratio = (row: Row | undefined, other: Row | undefined, column: string): number =>
  Number(row?.[column]) / Number(other?.[column]);
