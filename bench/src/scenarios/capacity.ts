import { Client, type Entry, hit, miss, pace } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { pin, redisUrl, startRedis, startService } from "../server.ts";

const podCore = 0;
const clientCore = 1;
const loads = [
  ...[500, 1_000, 2_000, 4_000].map((perSecond) => {
    return { load: `${perSecond.toLocaleString("en")} per second`, cores: 1, perSecond };
  }),
  ...[1, 8, 64, 512].map((clients) => ({ load: `${clients} clients`, cores: 1, clients })),
  { load: "64 clients", cores: 2, clients: 64 },
];

export const capacity: Scenario = {
  name: "capacity",
  title: "What a pod can carry",
  about: `\`/predict\` for one house, with production defaults (for the Redis hit, without the in-process tier). Requests are sent at random moments at the given rate, like those of many independent clients; if the table shows fewer, the client could not send more. Or each of the given number of clients sends its next request when the last one is answered. With one core, the service has a core for itself, and Redis and the client share another one. With two cores, all of them share both. The busier a pod is, the less a request costs, since more requests share a turn of the event loop and a run of the model.`,
  columns: ["from", "load", "cores", ...pace],
  charts: [
    {
      name: "capacity",
      title: "Processor time per request, by load, on one core",
      where: { cores: 1 },
      group: "load",
      series: "from",
      figures: ["CPU ms"],
    },
  ],
  async measure(report, { rounds }) {
    await using servers = new AsyncDisposableStack();
    const client = servers.use(new Client(clientCore));
    const redis = servers.use(await startRedis());
    pin(redis.process.pid, clientCore);
    const entries: Entry[] = [];
    for (const from of ["miss", "Redis hit", "memory hit"]) {
      const memory = from === "Redis hit" ? { CACHE_MEMORY_BYTES: "0" } : {};
      const environment = { REDIS_URL: redisUrl(redis), ...memory };
      const pinned = servers.use(await startService({ environment, core: podCore }));
      const free = servers.use(await startService({ environment }));
      const cached = from === "miss" ? miss : hit;
      for (const { load, cores, ...pressure } of loads) {
        entries.push({
          labels: { from, load, cores },
          server: cores === 1 ? pinned : free,
          load: { path: "/predict", houses: 1, seconds: 1.5, ...cached, ...pressure },
        });
      }
    }
    return await client.race(entries, report, rounds);
  },
};
