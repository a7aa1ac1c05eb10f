import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import type { Scenario } from "../scenario.ts";
import { startService, statusOf } from "../server.ts";
import { takeTurns } from "../turns.ts";

/** How long after its start a process has returned the memory that it needed only to start. */
const settledMs = 8_000;
const lists = { path: "/bulk_predict", houses: 10_000, seconds: 4 };
const houses = { path: "/predict", houses: 1, clients: 8, seconds: 3.5 };

export const engines: Scenario = {
  name: "engines",
  columns: [
    ...["engine", "start ms", "+ ms", "MiB"],
    ...["/predict, p50 ms", "/predict, p99 ms", "/predict per second", "list, p50 ms"],
  ],
  targets: [
    { where: { engine: "auto" }, column: "+ ms", atMost: 60 },
    { where: { engine: "auto" }, column: "/predict, p99 ms", atMost: 6 },
  ],
  async measure(run) {
    const [single, bulk] = [run.stack.use(new Client()), run.stack.use(new Client())];
    async function measure(engine: string) {
      const start = performance.now();
      await using service = await startService({ environment: { INFERENCE_ENGINE: engine } });
      const startMs = performance.now() - start;
      await sleep(settledMs);
      const residentMiB = statusOf(service, "VmRSS") / 1024;
      const [list, one] = await Promise.all([
        bulk.measure(service, lists),
        single.measure(service, houses),
      ]);
      const failed = countsText({ ...list.faults, ...one.faults });
      if (failed) throw new Error(`requests failed: ${failed}`);
      return {
        "start ms": startMs,
        MiB: residentMiB,
        "/predict, p50 ms": one.figures["p50 ms"],
        "/predict, p99 ms": one.figures["p99 ms"],
        "/predict per second": one.figures["requests/s"],
        "list, p50 ms": list.figures["p50 ms"],
      };
    }
    const turns = ["onnxruntime", "auto", "wasm"].map((engine) => {
      return { labels: { engine }, run: () => measure(engine) };
    });
    const rows = await takeTurns(turns, run);
    const first = Number(rows[0]?.["start ms"]);
    return rows.map((row) => ({ ...row, "+ ms": Number(row["start ms"]) - first }));
  },
};
