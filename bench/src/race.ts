import { cpuMs } from "./cpu.ts";
import { figureText } from "./figures.ts";
import type { Bodies } from "./houses.ts";
import { ask, drive, type Pressure } from "./load.ts";
import type { Tell } from "./scenario.ts";
import type { Server } from "./servers.ts";
import { quantile } from "./statistics.ts";

const rounds = 5;
/** How a contender is driven that says nothing else. */
export const usual: Pressure = { connections: 64, until: { seconds: 2 } };

/** One kind of request to one server. */
export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly path: string;
  /** What is posted; without bodies it is GET. */
  readonly bodies?: Bodies;
  /** What the cache is to say to each. */
  readonly cache?: "HIT" | "MISS";
  /** By default 64 connections for two seconds. */
  readonly pressure?: Pressure;
}

/** What a contender needs for its requests: medians of interleaved rounds. */
export interface Pace {
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly clientCores: number;
}

/** Asks until a known body is in the cache, or once for an unknown one, which must not be. */
async function demandCache({ name, server, path, cache }: Contender, body: string): Promise<void> {
  if (cache === undefined) return;
  const attempts = cache === "HIT" ? 10 : 1;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { headers } = await ask(server, path, body);
    if (headers.get("x-cache") === cache) return;
  }
  throw new Error(`void: ${name} is not a ${cache}`);
}

/**
 * Brings all known bodies into the cache.
 *
 * @throws where one is no hit after several requests
 */
export async function fillCache(contender: Contender): Promise<void> {
  if (contender.cache !== "HIT") return;
  for (const body of contender.bodies?.templates ?? []) await demandCache(contender, body);
}

async function run(contender: Contender): Promise<Pace> {
  const { server, path, bodies, pressure = usual } = contender;
  if (bodies) await demandCache(contender, bodies.next());
  const before = cpuMs(server);
  const found = await drive(server, { path, ...(bodies && { bodies }), ...pressure });
  return {
    ...found,
    requestsPerSecond: found.requests / found.seconds,
    cpuMsPerRequest: (cpuMs(server) - before) / found.requests,
  };
}

/**
 * Lets contenders take turns, so that what else the machine does falls on all of them. The first
 * round is a warm-up.
 *
 * @returns each contender's pace
 * @throws where a run is void
 */
export async function race(
  contenders: readonly Contender[],
  tell: Tell,
): Promise<(contender: Contender) => Pace> {
  for (const contender of contenders) await fillCache(contender);
  const runs = new Map(contenders.map((contender) => [contender, [] as Pace[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [contender, found] of runs) {
      const pace = await run(contender);
      if (round > 0) found.push(pace);
      const figures = `${figureText(pace.requestsPerSecond)} requests/s`;
      tell(`round ${round} of ${rounds}: ${contender.name}: ${figures}`);
    }
  }
  return (contender) => {
    const median = (figure: keyof Pace) =>
      quantile(runs.get(contender)?.map((found) => found[figure]) ?? [], 0.5);
    return {
      requestsPerSecond: median("requestsPerSecond"),
      cpuMsPerRequest: median("cpuMsPerRequest"),
      p50Ms: median("p50Ms"),
      p99Ms: median("p99Ms"),
      clientCores: median("clientCores"),
    };
  };
}
