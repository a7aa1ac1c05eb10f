import { cpuMs } from "./cpu.ts";
import type { BodySource } from "./houses.ts";
import { ask, measure } from "./load.ts";
import type { Server } from "./servers.ts";
import { quantile } from "./statistics.ts";

const rounds = 5;
const seconds = 3;
const connections = 64;

/** One kind of request to one server. */
export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly path: string;
  readonly body: BodySource;
}

/** What a contender needs for its requests: medians of interleaved rounds. */
export interface Pace {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
}

/** Lets contenders take turns, so that what else the machine does falls on all of them. */
export async function race(
  contenders: readonly Contender[],
  tell: (line: string) => void,
): Promise<Pace[]> {
  const paces = contenders.map(() => ({ rates: [] as number[], costs: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, server, path, body }] of contenders.entries()) {
      await ask(server, path, body());
      const before = cpuMs(server);
      const rate = await measure(server, { path, body, connections, seconds });
      if (round === 0) continue;
      const cost = (cpuMs(server) - before) / (rate * seconds);
      paces[index]?.rates.push(rate);
      paces[index]?.costs.push(cost);
      tell(
        `round ${round}, ${name}: ${Math.round(rate)} requests/s, ${cost.toFixed(4)} CPU ms each`,
      );
    }
  }
  return contenders.map(({ name }, index) => ({
    name,
    requestsPerSecond: quantile(paces[index]?.rates ?? [], 0.5),
    cpuMsPerRequest: quantile(paces[index]?.costs ?? [], 0.5),
  }));
}
