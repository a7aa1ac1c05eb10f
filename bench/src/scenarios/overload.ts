import { Client, countsText } from "../load/client.ts";
import type { Load } from "../load/run-load.ts";
import type { Scenario } from "../scenario.ts";
import { onCore, startService } from "../server.ts";
import { ratio } from "../turns.ts";

const serviceCore = 0;
const clientCore = 1;
const clients = 40;
const load = { path: "/bulk_predict", houses: 300, known: 1 };
const full = { clients, seconds: 5 };

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
    const service = stack.use(await startService({ environment, setUp: onCore(serviceCore) }));
    async function measure(name: string, pressure: Partial<Load>) {
      report(name);
      const { figures, faults: all } = await client.measure(service, { ...load, ...pressure });
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
    for (const [name, pressure] of [
      ["ten times the rate", { perSecond: 10 * before["requests/s"] }],
      ["ten times the clients", { clients: 10 * clients }],
    ] as const) {
      rows.push(await measure(name, { ...pressure, seconds: 30 }));
      await client.measure(service, { ...load, ...full, seconds: 1 });
      rows.push(await measure("a second after", full));
    }
    return rows.map((row) => ({
      ...row,
      "× p99": ratio(row, before, "p99 ms"),
      "× requests/s": ratio(row, before, "requests/s"),
    }));
  },
};
