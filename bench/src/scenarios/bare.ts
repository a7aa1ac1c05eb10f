import { join } from "node:path";
import { type Contender, hit, miss, pace, race } from "../race.ts";
import { newBodies } from "../request-bodies.ts";
import type { Scenario } from "../scenario.ts";
import { redisUrl, type Server, startServer, startService } from "../server.ts";
import { type Row, ratio } from "../turns.ts";

const list = { path: "/bulk_predict", houses: 10, clients: 64, seconds: 2, known: 1 };
const single = { path: "/predict", houses: 1, clients: 64, seconds: 2, known: 0 };

const hono = "bare Hono";
const honoRedis = "bare Hono: parse, hash, GET";
const honoSingle = "bare Hono, one house";
/** The contenders. Those without a program are the service: `atLeast` times its baseline. */
const contenders = [
  { name: "bare node:http", baseline: hono, program: "node-http", load: list },
  { name: hono, baseline: hono, program: "hono", load: list },
  { name: "10 houses, memory hit", baseline: hono, atLeast: 0.85, load: { ...list, ...hit } },
  { name: honoRedis, baseline: honoRedis, program: "hono-redis", load: list },
  { name: "10 houses, Redis hit", baseline: honoRedis, atLeast: 0.9, load: { ...list, ...hit } },
  { name: honoSingle, baseline: honoSingle, program: "hono", load: single },
  { name: "one house, miss", baseline: honoSingle, atLeast: 0.55, load: { ...single, ...miss } },
];
const bareServer = join(import.meta.dirname, "../references/bare-server.ts");

/** Headers that every server adds. */
const added = /^(?:connection|content-length|date|keep-alive)$/;

/**
 * Returns the response of the service to a known list or a new house, which bare servers repeat.
 */
async function responseOf({ port }: Server, { path, houses, known }: typeof list) {
  const body = newBodies(path, houses, 1)();
  const headers = { "content-type": "application/json" };
  const post = () => fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
  const response = await (known === 1 ? post().then(post) : post());
  const kept = [...response.headers].filter(([name]) => !added.test(name));
  return JSON.stringify({ body: await response.text(), headers: Object.fromEntries(kept) });
}

/** Returns all contenders. If another checkout is given, also the service from there. */
async function contendersOf(against: string | undefined): Promise<readonly Contender[]> {
  await using example = await startService();
  const found: Contender[] = [];
  for (const { name, program, load } of contenders) {
    const memory = name.includes("Redis") ? { CACHE_MEMORY_BYTES: "0" } : {};
    const RESPONSE = await responseOf(example, load);
    for (const folder of program || !against ? [undefined] : [undefined, against]) {
      const database = found.length;
      const start = (redis: Server) => {
        const environment = { REDIS_URL: redisUrl(redis, database), ...memory };
        if (program === undefined) return startService({ environment, folder });
        return startServer([process.execPath, bareServer, program], { ...environment, RESPONSE });
      };
      found.push({ labels: { server: name, checkout: folder ?? "" }, start, load });
    }
  }
  return found;
}

function withRatios(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    const { server: name } = row;
    const contender = contenders.find((one) => one.name === name);
    const baseline = rows.find(({ server }) => server === contender?.baseline);
    const other = rows.find(({ server, checkout }) => server === name && checkout !== "");
    const isCompared = other !== undefined && other !== row;
    return {
      ...{ ...row, "× requests/s": ratio(row, baseline, "requests/s") },
      "× per CPU": ratio(baseline, row, "CPU ms"),
      ...(isCompared && { "× other, per CPU": ratio(other, row, "CPU ms") }),
    };
  });
}

export const bare: Scenario = {
  name: "bare",
  title: "Compared with bare servers",
  about: `The service with its production defaults (for the Redis hit, without the in-process tier) and bare servers that read the same body and send an equally long response with the same headers. The one for the Redis hit also parses the body, hashes it with SHA-256 and sends Redis one GET. 64 clients. The columns with × are multiples of the bare Hono server above: requests per second, and requests per second of processor time.`,
  columns: ["server", "checkout", ...pace, "× requests/s", "× per CPU", "× other, per CPU"],
  charts: [
    {
      ...{ name: "bare", title: "Processor time per request" },
      ...{ where: { checkout: "" }, group: "server", figures: ["CPU ms"] },
    },
  ],
  targets: contenders.flatMap(({ name: server, atLeast }) => {
    const where = { server, checkout: "" };
    if (atLeast === undefined) return [];
    return [
      { where, column: "× requests/s", atLeast },
      { where, column: "× per CPU", atLeast },
      { where, column: "× other, per CPU", atLeast: 0.98 },
    ];
  }),
  async measure(report, { against, rounds }) {
    return withRatios(await race(await contendersOf(against), report, rounds));
  },
};
