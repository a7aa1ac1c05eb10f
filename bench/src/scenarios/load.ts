import { Client, countsText } from "../load/client.ts";
import type { Load } from "../load/run-load.ts";
import type { Run, Scenario } from "../scenario.ts";
import { clientCore, onOwnCore, pin, redisUrl, startRedis, startService } from "../server.ts";
import { hit, miss, pace, ratio, type Turn, takeTurns } from "../turns.ts";

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
  ...[1, 8, 64, 512].map((clients) => ({ load: `${clients} at a time`, clients })),
];

export const capacity: Scenario = {
  name: "capacity",
  columns: ["from", "load", ...pace],
  charts: [
    { name: "capacity", title: "Processor time", group: "load", series: "from", figure: "CPU ms" },
  ],
  async measure(run) {
    const client = run.stack.use(new Client(clientCore));
    const ways = await startWays(run, onOwnCore, clientCore);
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

const lists = { path: "/bulk_predict", houses: 300, known: 1 };

export const workers: Scenario = {
  name: "workers",
  columns: ["WORKERS", ...pace, "× requests/s"],
  targets: [{ where: { WORKERS: 2 }, column: "× requests/s", atLeast: 1.8 }],
  async measure(run) {
    const client = run.stack.use(new Client(clientCore));
    const load = { ...lists, clients: 16, seconds: 3 };
    const turns: Turn[] = [];
    for (const WORKERS of ["1", "2"]) {
      const environment = { WORKERS, CACHE_MEMORY_BYTES: "0" };
      const setUp = WORKERS === "1" ? onOwnCore : "";
      const service = run.stack.use(await startService({ environment, setUp }));
      turns.push({ labels: { WORKERS: Number(WORKERS) }, run: () => client.drive(service, load) });
    }
    const rows = await takeTurns(turns, run);
    return rows.map((row) => ({ ...row, "× requests/s": ratio(row, rows[0], "requests/s") }));
  },
};

const full = { clients: 64, seconds: 5 };

export const overload: Scenario = {
  name: "overload",
  columns: ["load", "requests/s", "200/s", "p99 ms", "× p99", "faults"],
  targets: [
    { column: "× requests/s", where: { load: "ten times the rate" }, atLeast: 9 },
    { column: "× p99", atMost: 2 },
    { column: "number of faults", atMost: 0 },
    { column: "refused afterwards", atMost: 0 },
  ],
  async measure({ stack, report }) {
    const client = stack.use(new Client(clientCore));
    const environment = { CACHE_MEMORY_BYTES: "0", INFERENCE_ENGINE: "onnxruntime" };
    const service = stack.use(await startService({ environment, setUp: onOwnCore }));
    async function measure(name: string, pressure: Partial<Load>) {
      report(name);
      const { figures, faults: all } = await client.measure(service, { ...lists, ...pressure });
      const { 503: refused = 0, ...faults } = all;
      return {
        ...figures,
        load: name,
        "200/s": (figures["requests/s"] * figures.right) / figures.requests,
        faults: countsText(faults),
        "number of faults": Object.keys(faults).length,
        ...(pressure === full && { "refused afterwards": refused }),
      };
    }
    await measure("warm-up", full);
    const before = await measure("full load", full);
    const rows = [before];
    const pressures: Record<string, Partial<Load>> = {
      "ten times the rate": { perSecond: 10 * before["requests/s"] },
      "ten times the clients": { clients: 10 * full.clients },
    };
    for (const [name, pressure] of Object.entries(pressures)) {
      rows.push(await measure(name, { ...pressure, seconds: 30 }));
      await client.measure(service, { ...lists, ...full, seconds: 1 });
      rows.push(await measure("a second after", full));
    }
    return rows.map((row) => ({
      ...row,
      "× p99": ratio(row, before, "p99 ms"),
      "× requests/s": ratio(row, before, "requests/s"),
    }));
  },
};
