import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { cpuMs } from "./cpu.ts";
import { pinned } from "./pinning.ts";
import type { Server } from "./servers.ts";

const client = fileURLToPath(new URL("random-arrivals-client.ts", import.meta.url));

/** What the client is told. */
export const Arrivals = z.object({
  port: z.number(),
  perSecond: z.number(),
  seconds: z.number(),
  /** The number of the first house; without one, the known houses are asked for, round and round. */
  first: z.number().optional(),
});

const Answered = z.object({ requests: z.number().positive(), ms: z.number() });

/** What the requests cost. */
export interface ArrivalCost {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
}

/**
 * Lets `/predict` requests arrive at random, as those of many independent clients do, from a client
 * that has a core to itself.
 *
 * @throws where any answer is not a 200
 */
export async function arrive(
  server: Server,
  arrivals: Omit<z.infer<typeof Arrivals>, "port">,
  core: number,
): Promise<ArrivalCost> {
  const [command, args] = pinned(core, [
    ...[process.execPath, client],
    JSON.stringify({ port: server.port, ...arrivals }),
  ]);
  const before = cpuMs(server);
  const { stdout } = await promisify(execFile)(command, args);
  const { requests, ms } = Answered.parse(JSON.parse(stdout));
  return {
    requests,
    requestsPerSecond: (requests / ms) * 1000,
    cpuMsPerRequest: (cpuMs(server) - before) / requests,
  };
}
