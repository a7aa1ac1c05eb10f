import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import type { Row, Scenario } from "../scenario.ts";
import { imageVariables, redisUrl, startRedis, startService, statusOf } from "../server.ts";

const windows = 12;
const loads = [
  { path: "/predict", houses: 1, known: 0.5, clients: 16, pauseMs: 15 },
  { path: "/bulk_predict", houses: 1_000, clients: 2, pauseMs: 500 },
  { path: "/docs/swagger-ui-bundle.js", clients: 1, pauseMs: 500 },
];

const sum = (rows: readonly Row[], column: string) =>
  rows.reduce((total, row) => total + Number(row[column]), 0);

export const soak: Scenario = {
  name: "soak",
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
  async measure({ stack, report, minutes }) {
    const redis = stack.use(await startRedis(["--maxmemory", "64mb"]));
    const variables = { CACHE_MEMORY_BYTES: "8388608", REDIS_URL: redisUrl(redis) };
    const environment = { ...imageVariables(), ...variables };
    const service = stack.use(await startService({ environment }));
    const clients = loads.map((load) => ({ load, client: stack.use(new Client()) }));
    const rows: Row[] = [];
    for (let window = 1; window <= windows; window++) {
      const minute = (minutes * window) / windows;
      const seconds = (minutes * 60) / windows;
      report(`until minute ${minute.toFixed(1)} of ${minutes}`);
      const found = await Promise.all(
        clients.map(({ client, load }) => client.measure(service, { ...load, seconds })),
      );
      await sleep(1_000);
      const faults = found.map((load) => countsText(load.faults)).filter(Boolean);
      rows.push({
        minute,
        "requests/s": found.reduce((total, load) => total + load.figures["requests/s"], 0),
        "p99 ms": found[0]?.figures["p99 ms"] ?? Number.NaN,
        "resident MiB": statusOf(service, "VmRSS") / 1024,
        "open files": readdirSync(`/proc/${service.process.pid}/fd`).length,
        threads: statusOf(service, "Threads"),
        faults: faults.join(", "),
        "number of faults": faults.length + service.lines.length,
      });
    }
    const [middle, last] = [rows.slice(4, 8), rows.slice(8)];
    const times = (column: string) => sum(last, column) / sum(middle, column);
    const more = (column: string) => Number(last.at(-1)?.[column]) - Number(middle[0]?.[column]);
    rows.push({
      ...rows.pop(),
      "× p99": times("p99 ms"),
      "× resident": times("resident MiB"),
      "more open files": more("open files"),
      "more threads": more("threads"),
    });
    return rows;
  },
};
