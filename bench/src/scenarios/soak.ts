import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { redisUrl, startRedis, startService, statusOf } from "../server.ts";
import type { Row } from "../turns.ts";
import { imageVariables } from "./hostile.ts";

const windows = 12;
const loads = [
  { path: "/predict", houses: 1, known: 0.5, clients: 16, pauseMs: 15 },
  { path: "/bulk_predict", houses: 1_000, clients: 2, pauseMs: 500 },
  { path: "/docs/swagger-ui-bundle.js", clients: 1, pauseMs: 500 },
];

/** Returns the mean of a column over some rows. */
const mean = (rows: readonly Row[], column: string): number =>
  rows.reduce((sum, row) => sum + Number(row[column]), 0) / rows.length;

export const soak: Scenario = {
  name: "soak",
  title: "A long run",
  about: `A steady load for \`--minutes\`: 16 clients send \`/predict\`, half of it from the cache, two send lists of 1,000 houses, and one gets a file of 1.7 MB. After each twelfth, their connections are closed, and the figures of the process are read. The service has the variables of the container image. The columns with × compare the last four twelfths with the four after the first four, in which the caches fill.`,
  columns: [
    ...["minute", "requests/s", "p99 ms", "resident MiB", "open files", "threads"],
    ...["× p99", "× resident", "faults"],
  ],
  targets: [
    { column: "× p99", atMost: 1.5 },
    { column: "× resident", atMost: 1.1 },
    { column: "more open files", atMost: 0 },
    { column: "more threads", atMost: 0 },
    { column: "number of faults", atMost: 0 },
  ],
  async measure(report, { minutes }) {
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedis("--maxmemory", "64mb"));
    const limits = { ...imageVariables(), CACHE_MEMORY_BYTES: "8388608" };
    const environment = { ...limits, REDIS_URL: redisUrl(redis) };
    const service = stack.use(await startService({ environment }));
    const clients = loads.map((load) => ({ load, client: stack.use(new Client()) }));
    const rows: Row[] = [];
    for (let window = 1; window <= windows; window++) {
      const minute = (minutes * window) / windows;
      report(`until minute ${minute.toFixed(1)} of ${minutes}`);
      const seconds = (minutes * 60) / windows;
      const [single, ...others] = await Promise.all(
        clients.map(({ client, load }) => client.measure(service, { ...load, seconds })),
      );
      await sleep(1_000);
      const all = [single, ...others].flatMap((found) => found ?? []);
      const faults = all.map((found) => countsText(found.faults)).filter(Boolean);
      rows.push({
        minute,
        "requests/s": all.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
        "p99 ms": single?.p99 ?? Number.NaN,
        "resident MiB": statusOf(service, "VmRSS") / 1024,
        "open files": readdirSync(`/proc/${service.process.pid}/fd`).length,
        threads: statusOf(service, "Threads"),
        faults: faults.join(", "),
        "number of faults": faults.length + service.degraded(),
      });
    }
    const [middle, last] = [rows.slice(4, 8), rows.slice(8)];
    const times = (column: string) => mean(last, column) / mean(middle, column);
    const more = (column: string) => Number(last.at(-1)?.[column]) - Number(middle[0]?.[column]);
    const end = {
      "× p99": times("p99 ms"),
      "× resident": times("resident MiB"),
      "more open files": more("open files"),
      "more threads": more("threads"),
    };
    return rows.map((row, index) => (index === rows.length - 1 ? { ...row, ...end } : row));
  },
};
