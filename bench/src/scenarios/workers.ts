import { pace, race } from "../race.ts";
import type { Scenario } from "../scenario.ts";
import { startService } from "../server.ts";
import { ratio } from "../turns.ts";

const serviceCore = 0;
const clientCore = 1;
const load = { path: "/bulk_predict", houses: 300, known: 1, clients: 16, seconds: 3 };
const contenders = [{ WORKERS: 1, core: serviceCore }, { WORKERS: 2 }].map(
  ({ WORKERS, ...options }) => {
    const environment = { WORKERS: String(WORKERS), CACHE_MEMORY_BYTES: "0" };
    const start = () => startService({ environment, ...options });
    return { labels: { WORKERS }, start, load };
  },
);

export const workers: Scenario = {
  name: "workers",
  title: "Several processes on one machine",
  about: `Lists of 300 houses, with \`WORKERS=1\` on one core and with \`WORKERS=2\` on two. The service has no cache, so it computes each list, even one that was sent before, and the client need not create new ones. The service reads lists of this length on its main thread. The client has the second core to itself in the first row, and shares it with the service in the second, so the ratio is less than 2 by its share of that core.`,
  columns: ["WORKERS", ...pace, "× requests/s"],
  targets: [{ where: { WORKERS: 2 }, column: "× requests/s", atLeast: 1.8 }],
  async measure(report, { rounds }) {
    const rows = await race(contenders, report, rounds, clientCore);
    return rows.map((row) => ({ ...row, "× requests/s": ratio(row, rows[0], "requests/s") }));
  },
};
