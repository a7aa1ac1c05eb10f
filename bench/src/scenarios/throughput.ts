import { Client, hit, miss, pace } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { type Environment, redisUrl, startRedis, startService } from "../server.ts";

const kinds = [1, 10, 100, 1_000, 10_000, 100_000].map((houses) => ({
  path: houses === 1 ? "/predict" : "/bulk_predict",
  houses,
  clients: houses < 1_000 ? 64 : houses < 100_000 ? 8 : 1,
}));
const byHouses = { group: "houses", series: "from", isLogarithmic: true };

export const throughput: Scenario = {
  name: "throughput",
  title: "Throughput",
  about: `Each kind of request is answered in three ways: computed by the model, found in Redis (without the in-process tier), and found in memory. Otherwise the service has its production defaults. Each client sends its next request when the last one is answered.`,
  columns: ["request", "houses", "from", "clients", ...pace],
  charts: [
    { name: "throughput-requests", title: "Throughput", figures: ["requests/s"], ...byHouses },
    { name: "throughput-cpu", title: "Processor time", figures: ["CPU ms"], ...byHouses },
  ],
  async measure(report, { rounds }) {
    await using servers = new AsyncDisposableStack();
    const client = servers.use(new Client());
    const REDIS_URL = redisUrl(servers.use(await startRedis()));
    const start = async (environment: Environment) =>
      servers.use(await startService({ environment: { REDIS_URL, ...environment } }));
    const sources = [
      { from: "miss", server: await start({}), cached: miss },
      { from: "Redis hit", server: await start({ CACHE_MEMORY_BYTES: "0" }), cached: hit },
      { from: "memory hit", server: await start({}), cached: hit },
    ];
    const entries = kinds.flatMap(({ path, houses, clients }) =>
      sources.map(({ from, server, cached }) => ({
        labels: { request: path, houses, from, clients },
        server,
        load: { path, houses, clients, seconds: 2, ...cached },
      })),
    );
    return await client.race(entries, report, rounds);
  },
};
