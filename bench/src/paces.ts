import { figureText } from "./figures.ts";
import { client } from "./load.ts";
import type { Pace } from "./race.ts";
import type { Cell, Verdict } from "./report.ts";

/** Of a core: a client of one thread that is so busy is itself the limit. */
const saturation = 0.95;

export const paceColumns = ["requests/s", "CPU ms", "p50 ms", "p99 ms"] as const;

/** A pace's cells below {@link paceColumns}; a dagger is at a rate that the client bounded. */
export function paceCells(pace: Pace): readonly Cell[] {
  const { requestsPerSecond, cpuMsPerRequest, p50Ms, p99Ms, clientCores } = pace;
  const rate = clientCores < saturation ? requestsPerSecond : `${figureText(requestsPerSecond)} †`;
  return [rate, cpuMsPerRequest, p50Ms, p99Ms];
}

/** What a reader of paces must know about the client. */
export function aboutClient(paces: readonly Pace[]): string {
  const busiest = Math.max(...paces.map(({ clientCores }) => clientCores));
  return [
    `Driven by ${client()}, which used ${figureText(busiest)} of a core at most`,
    busiest < saturation ? "." : ": where † stands, it was itself the limit.",
  ].join("");
}

/** How many times as fast as a baseline, by the clock and in processor time. */
export function ratios(
  pace: Pace,
  baseline: Pace,
): { readonly rate: number; readonly cpu: number } {
  return {
    rate: pace.requestsPerSecond / baseline.requestsPerSecond,
    cpu: baseline.cpuMsPerRequest / pace.cpuMsPerRequest,
  };
}

/** Demands so many times a baseline's pace, in requests a second and in processor time. */
export function paceVerdicts(
  what: string,
  pace: Pace,
  baseline: { readonly name: string; readonly pace: Pace; readonly target: number },
): readonly Verdict[] {
  const { rate, cpu } = ratios(pace, baseline.pace);
  const common = { what, bound: "at least", target: baseline.target } as const;
  return [
    { ...common, measure: `requests/s to ${baseline.name}`, figure: rate },
    { ...common, measure: `requests a CPU second to ${baseline.name}`, figure: cpu },
  ];
}
