import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { startService, statusOf } from "../server.ts";
import { takeTurns } from "../turns.ts";

/** How long after its start a process has returned the memory that it needed only to start. */
const settledMs = 8_000;

export const engines: Scenario = {
  name: "engines",
  title: "The service with each engine",
  about: `Each value of \`INFERENCE_ENGINE\`: the time from the start of the process to the first 200 of \`/health\`; the resident memory 8 s later; and eight clients that send \`/predict\` misses while another one sends lists of 10,000 houses, each the next one when the last one is answered.`,
  columns: [
    ...["engine", "start ms", "+ ms", "MiB"],
    ...["/predict, p50 ms", "/predict, p99 ms", "/predict per second", "list, p50 ms"],
  ],
  targets: [
    { where: { engine: "auto" }, column: "+ ms", atMost: 60 },
    { where: { engine: "auto" }, column: "/predict, p99 ms", atMost: 6 },
  ],
  async measure(tell, { rounds }) {
    await using clients = new AsyncDisposableStack();
    const single = clients.use(new Client());
    const bulk = clients.use(new Client());
    const contenders = ["onnxruntime", "auto", "wasm"].map((engine) => {
      const run = async () => {
        const start = performance.now();
        await using service = await startService({ environment: { INFERENCE_ENGINE: engine } });
        const startMs = performance.now() - start;
        await sleep(settledMs);
        const MiB = statusOf(service, "VmRSS") / 1024;
        const lists = { path: "/bulk_predict", houses: 10_000, seconds: 4 };
        const houses = { path: "/predict", houses: 1, clients: 8, seconds: 3.5 };
        const [list, one] = await Promise.all([
          bulk.measure(service, lists),
          single.measure(service, houses),
        ]);
        const failed = countsText({ ...list.faults, ...one.faults });
        if (failed !== "") throw new Error(`requests failed: ${failed}`);
        return {
          ...{ "start ms": startMs, MiB, "list, p50 ms": list.p50 },
          ...{ "/predict, p50 ms": one.p50, "/predict, p99 ms": one.p99 },
          "/predict per second": one.requestsPerSecond,
        };
      };
      return { labels: { engine }, run };
    });
    const rows = await takeTurns(contenders, tell, rounds);
    const [first] = rows;
    const later = (ms: number | string | undefined) => Number(ms) - Number(first?.["start ms"]);
    return rows.map((row) => ({ ...row, "+ ms": later(row["start ms"]) }));
  },
};
