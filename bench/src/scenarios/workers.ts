import { Client, pace } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { startService } from "../server.ts";
import { ratio } from "../turns.ts";

const counts = [1, 2];

export const workers: Scenario = {
  name: "workers",
  title: "Several processes on one machine",
  about: `Lists of 300 houses, with \`WORKERS=1\` and \`WORKERS=2\` on the same two cores. The service has no cache, so it computes each list, and the client can send the same lists again, which leaves the cores to the service. Lists of this length are read on the main thread. 16 clients send their next request when the last one is answered.`,
  columns: ["WORKERS", ...pace, "× requests/s"],
  targets: [{ where: { WORKERS: 2 }, column: "× requests/s", atLeast: 1.8 }],
  async measure(tell, { rounds }) {
    await using servers = new AsyncDisposableStack();
    const client = servers.use(new Client());
    const entries = [];
    for (const count of counts) {
      const environment = { WORKERS: String(count), CACHE_MEMORY_BYTES: "0" };
      entries.push({
        labels: { WORKERS: count },
        server: servers.use(await startService({ environment })),
        load: { path: "/bulk_predict", houses: 300, known: 1, clients: 16, seconds: 3 },
      });
    }
    const rows = await client.race(entries, tell, rounds);
    return rows.map((row) => ({ ...row, "× requests/s": ratio(row, rows[0], "requests/s") }));
  },
};
