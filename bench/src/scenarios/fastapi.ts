import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkout, modelFile } from "../houses.ts";
import { Client, type Entry, hit, miss, pace } from "../load/client.ts";
import { matches, type Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import { ratio } from "../turns.ts";

const kinds = [
  { request: "/predict, miss", path: "/predict", houses: 1, clients: 64, ...miss },
  { request: "1,000 houses, miss", path: "/bulk_predict", houses: 1_000, clients: 4, ...miss },
  { request: "10,000 houses, miss", path: "/bulk_predict", houses: 10_000, clients: 2, ...miss },
  { request: "/predict, hit", path: "/predict", houses: 1, clients: 64, ...hit },
  { request: "10 houses, hit", path: "/bulk_predict", houses: 10, clients: 64, ...hit },
  { request: "1,000 houses, hit", path: "/bulk_predict", houses: 1_000, clients: 4, ...hit },
  { request: "10,000 houses, hit", path: "/bulk_predict", houses: 10_000, clients: 4, ...hit },
];

/**
 * Installs the FastAPI service on first use, which takes minutes, then starts it with one worker.
 */
const runScript = join(checkout, "../shared/peer/run.sh");
const fastApi = (redis: servers.Environment) =>
  servers.startServer([runScript, "$PORT", "1"], { ...redis, CACHE_TTL: "3600" }, 900_000);
const service = "service";
const onnx = "FastAPI, our ONNX file";
const svr = "FastAPI, SVR";

/** The servers to compare. Each gets its own database of one Redis. */
const peers: Readonly<Record<string, (redis: servers.Environment) => Promise<servers.Server>>> = {
  [service]: (environment) => servers.startService({ environment }),
  [onnx]: (redis) => fastApi({ ...redis, MODEL: modelFile }),
  [svr]: fastApi,
};
const targets = [
  ...["1,000 houses, miss", "10,000 houses, miss"].map((request) => [request, onnx, 1.6] as const),
  ...["1,000 houses, hit", "10,000 houses, hit"].map((request) => [request, onnx, 12] as const),
  ...kinds.slice(0, 3).map(({ request }) => [request, svr, 20] as const),
  ["/predict, miss", onnx, 8] as const,
];

export const fastapi: Scenario = {
  name: "fastapi",
  title: "Compared with FastAPI",
  about: `A FastAPI service with the same API, with one uvicorn worker, uvloop, httptools and no access log: once with our ONNX file, once with a support vector regression. The service has its production defaults. All share one Redis, each with its own keys. The columns with × say how many times as fast the service is: in requests per second, and in requests per second of processor time.`,
  columns: ["request", "clients", "server", ...pace, "× requests/s", "× per CPU"],
  charts: [miss.cache, hit.cache].map((cache) => ({
    name: `fastapi-${cache.toLowerCase()}`,
    title: cache === "HIT" ? "Predictions from the cache" : "Computed predictions",
    where: { cache },
    group: "request",
    series: "server",
    figures: ["requests/s"],
    isLogarithmic: true,
  })),
  targets: targets.flatMap(([request, server, atLeast]) => [
    { where: { request, server }, column: "× requests/s", atLeast },
    { where: { request, server }, column: "× per CPU", atLeast },
  ]),
  async measure(report, { rounds }) {
    if (!existsSync(runScript)) throw new servers.LeftOut("there is no ../shared/peer/run.sh");
    if (spawnSync("python3", ["--version"]).error) throw new servers.LeftOut("python3 is missing");
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new Client());
    const redis = stack.use(await servers.startRedis());
    const entries: Entry[] = [];
    for (const [database, [name, start]] of Object.entries(peers).entries()) {
      report(`starting ${name}`);
      const server = stack.use(await start({ REDIS_URL: servers.redisUrl(redis, database) }));
      for (const { request, ...load } of kinds) {
        const labels = { request, clients: load.clients, server: name, cache: load.cache };
        entries.push({ labels, server, load: { ...load, seconds: 2 } });
      }
    }
    const inOrder = kinds.flatMap(({ request }) =>
      entries.filter(({ labels }) => matches(labels, { request })),
    );
    const rows = await client.race(inOrder, report, rounds);
    return rows.map((row) => {
      const { request = "" } = row;
      const own = rows.find((one) => matches(one, { request, server: service }));
      const requests = ratio(own, row, "requests/s");
      return { ...row, "× requests/s": requests, "× per CPU": ratio(row, own, "CPU ms") };
    });
  },
};
