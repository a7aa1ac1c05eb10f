import { Client, type LoadOnServer } from "./load/client.ts";
import {
  pin,
  redisUrl,
  type Server,
  type ServiceOptions,
  startRedis,
  startService,
} from "./server.ts";
import { type ReportProgress, type Row, takeTurns } from "./turns.ts";

/** Loads of bodies that are in the cache, or not. `X-Cache` of each response is checked. */
export const hit = { known: 1, cache: "HIT" } as const;
export const miss = { known: 0, cache: "MISS" } as const;

/** The figures of a race, in the order of a table's columns. */
export const pace = [
  "requests/s",
  "CPU ms",
  "p50 ms",
  "p99 ms",
  "client cores",
  "wrong X-Cache, %",
];

/** One kind of request to one server. */
export interface Contender {
  readonly labels: Row;
  /** Starts its server. Contenders with the same function share a server. */
  readonly start: (redis: Server) => Promise<Server>;
  readonly load: LoadOnServer;
}

/** Returns the three ways in which the service answers, each by a process of its own. */
export const waysToAnswer = (options: ServiceOptions = {}) =>
  [
    { from: "miss", cached: miss, memory: {} },
    { from: "Redis hit", cached: hit, memory: { CACHE_MEMORY_BYTES: "0" } },
    { from: "memory hit", cached: hit, memory: {} },
  ].map(({ memory, ...way }) => ({
    ...way,
    start: (redis: Server) =>
      startService({ ...options, environment: { REDIS_URL: redisUrl(redis), ...memory } }),
  }));

/**
 * Starts the servers of all contenders, and measures them in turn; see {@link takeTurns}.
 *
 * @param clientCore the core of the client and of Redis; by default, any
 * @throws {Error} if requests fail
 */
export async function race(
  contenders: readonly Contender[],
  report: ReportProgress,
  rounds: number,
  clientCore?: number,
): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const client = stack.use(new Client(clientCore));
  const redis = stack.use(await startRedis());
  if (clientCore !== undefined) pin(redis.process.pid, clientCore);
  const servers = new Map<Contender["start"], Server>();
  for (const { start } of contenders) {
    if (!servers.has(start)) servers.set(start, stack.use(await start(redis)));
  }
  const runs = contenders.flatMap(({ labels, start, load }) => {
    const server = servers.get(start);
    return server ? [{ labels, run: () => client.drive(server, load) }] : [];
  });
  return await takeTurns(runs, report, rounds);
}
