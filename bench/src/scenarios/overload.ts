import { Client, countsText } from "../load/client.ts";
import type { Load } from "../load/run-load.ts";
import type { Scenario } from "../scenario.ts";
import { startService } from "../server.ts";
import type { Row } from "../turns.ts";

const serviceCore = 0;
const clientCore = 1;
const clients = 40;
const load = { path: "/bulk_predict", houses: 300, known: 1 };
const full = { clients, seconds: 5 };

export const overload: Scenario = {
  name: "overload",
  title: "Ten times too much",
  about: `Lists of 300 houses. The service has one core, its default limits, no cache, and ONNX Runtime as its engine: with WebAssembly, the client could not send ten times as much. At full load, each of ${clients} clients sends its next request when the last one is answered. Then, for 30 s each, requests are sent at random moments at ten times the rate of full load, as by many independent clients, and ten times as many clients send their next request as soon as the last one is answered or refused. A second after each, the load is the full load again. Latencies are those of responses with 200. All others must be 503 with \`Retry-After\`.`,
  columns: ["load", "requests/s", "200/s", "p99 ms", "× p99", "faults"],
  targets: [
    { column: "× requests/s", where: { load: "ten times the rate" }, atLeast: 9 },
    { column: "× p99", atMost: 2 },
    { column: "number of faults", atMost: 0 },
    { column: "refused afterwards", atMost: 0 },
  ],
  async measure(report) {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new Client(clientCore));
    const environment = { CACHE_MEMORY_BYTES: "0", INFERENCE_ENGINE: "onnxruntime" };
    const service = stack.use(await startService({ environment, core: serviceCore }));
    async function measure(name: string, pressure: Partial<Load>): Promise<Row> {
      report(name);
      const found = await client.measure(service, { ...load, ...pressure });
      const { 503: refused = 0, ...faults } = found.faults;
      const failed = Object.values(faults).reduce((sum, count) => sum + count, refused);
      return {
        load: name,
        "requests/s": found.requestsPerSecond,
        "200/s": found.requestsPerSecond * (1 - failed / found.requests),
        "p99 ms": found.p99,
        faults: countsText(faults),
        "number of faults": Object.keys(faults).length,
        ...(pressure === full ? { "refused afterwards": refused } : {}),
      };
    }
    await measure("warm-up", full);
    const before = await measure("full load", full);
    const rows = [before];
    const perSecond = 10 * Number(before["requests/s"]);
    for (const [name, pressure] of [
      ["ten times the rate", { perSecond }],
      ["ten times the clients", { clients: 10 * clients }],
    ] as const) {
      rows.push(await measure(name, { ...pressure, seconds: 30 }));
      await client.measure(service, { ...load, ...full, seconds: 1 });
      rows.push(await measure("a second after", full));
    }
    return rows.map((row) => ({
      ...row,
      "× p99": Number(row["p99 ms"]) / Number(before["p99 ms"]),
      "× requests/s": Number(row["requests/s"]) / Number(before["requests/s"]),
    }));
  },
};
