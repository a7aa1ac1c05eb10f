import { Client } from "../load/client.ts";
import type { Run, Scenario } from "../scenario.ts";
import { onCore, pin, redisUrl, startRedis, startService } from "../server.ts";
import { hit, miss, pace, ratio, type Turn, takeTurns } from "../turns.ts";

const serviceCore = 0;
const clientCore = 1;

/** Starts a service for each of the three ways in which it answers. */
async function startWays({ stack }: Run, setUp = "", redisCore?: number) {
  const redis = stack.use(await startRedis());
  if (redisCore !== undefined) pin(redis.process.pid, redisCore);
  const start = async (memory = {}) => {
    const environment = { REDIS_URL: redisUrl(redis), ...memory };
    return stack.use(await startService({ environment, setUp }));
  };
  return [
    { from: "miss", cached: miss, service: await start() },
    { from: "Redis hit", cached: hit, service: await start({ CACHE_MEMORY_BYTES: "0" }) },
    { from: "memory hit", cached: hit, service: await start() },
  ];
}

const kinds = [1, 10, 100, 1_000, 10_000, 100_000].map((houses) => ({
  path: houses === 1 ? "/predict" : "/bulk_predict",
  houses,
  clients: houses < 1_000 ? 64 : houses < 100_000 ? 8 : 1,
}));
const byHouses = { group: "houses", series: "from", isLogarithmic: true };

export const throughput: Scenario = {
  name: "throughput",
  columns: ["request", "houses", "from", "clients", ...pace],
  charts: [
    { name: "throughput-requests", title: "Throughput", figure: "requests/s", ...byHouses },
    { name: "throughput-cpu", title: "Processor time", figure: "CPU ms", ...byHouses },
  ],
  async measure(run) {
    const client = run.stack.use(new Client());
    const ways = await startWays(run);
    const turns = kinds.flatMap(({ path, houses, clients }) =>
      ways.map(({ from, cached, service }) => ({
        labels: { request: path, houses, from, clients },
        run: () => client.drive(service, { path, houses, clients, seconds: 2, ...cached }),
      })),
    );
    return await takeTurns(turns, run);
  },
};

const pressures = [
  ...[500, 1_000, 2_000, 4_000].map((perSecond) => {
    return { load: `${perSecond.toLocaleString("en")} per second`, perSecond };
  }),
  ...[1, 8, 64, 512].map((clients) => ({ load: `${clients} clients`, clients })),
];

export const capacity: Scenario = {
  name: "capacity",
  columns: ["from", "load", ...pace],
  charts: [
    { name: "capacity", title: "Processor time", group: "load", series: "from", figure: "CPU ms" },
  ],
  async measure(run) {
    const client = run.stack.use(new Client(clientCore));
    const ways = await startWays(run, onCore(serviceCore), clientCore);
    const single = { path: "/predict", houses: 1, seconds: 1.5 };
    const turns = ways.flatMap(({ from, cached, service }) =>
      pressures.map(({ load, ...pressure }) => ({
        labels: { from, load },
        run: () => client.drive(service, { ...single, ...cached, ...pressure }),
      })),
    );
    return await takeTurns(turns, run);
  },
};

export const workers: Scenario = {
  name: "workers",
  columns: ["WORKERS", ...pace, "× requests/s"],
  targets: [{ where: { WORKERS: 2 }, column: "× requests/s", atLeast: 1.8 }],
  async measure(run) {
    const client = run.stack.use(new Client(clientCore));
    const load = { path: "/bulk_predict", houses: 300, known: 1, clients: 16, seconds: 3 };
    const turns: Turn[] = [];
    for (const [count, setUp] of [
      [1, onCore(serviceCore)],
      [2, ""],
    ] as const) {
      const environment = { WORKERS: String(count), CACHE_MEMORY_BYTES: "0" };
      const service = run.stack.use(await startService({ environment, setUp }));
      turns.push({ labels: { WORKERS: count }, run: () => client.drive(service, load) });
    }
    const rows = await takeTurns(turns, run);
    return rows.map((row) => ({ ...row, "× requests/s": ratio(row, rows[0], "requests/s") }));
  },
};
