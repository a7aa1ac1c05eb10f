import { join } from "node:path";
import { checkout } from "../houses.ts";
import { Client } from "../load/client.ts";
import { newBodies } from "../request-bodies.ts";
import { matches, type Row, type Scenario } from "../scenario.ts";
import { redisUrl, type Server, startRedis, startServer, startService } from "../server.ts";
import { hit, miss, pace, ratio, type Turn, takeTurns } from "../turns.ts";

const list = { path: "/bulk_predict", houses: 10, clients: 64, seconds: 2, ...hit };
const single = { path: "/predict", houses: 1, clients: 64, seconds: 2, ...miss };
const redisOnly = { CACHE_MEMORY_BYTES: "0" };
/** Bare servers, and the service: `atLeast` times the figures of the bare server before it. */
const contenders = [
  { name: "bare Hono", load: list },
  { name: "10 houses, memory hit", load: list, atLeast: 0.85 },
  { name: "bare Hono: parse, hash, GET", load: list, settings: redisOnly },
  { name: "10 houses, Redis hit", load: list, settings: redisOnly, atLeast: 0.9 },
  { name: "bare Hono, one house", load: single },
  { name: "one house, miss", load: single, atLeast: 0.55 },
];
const bareServer = join(import.meta.dirname, "../references/bare-server.ts");

/** Headers that every server adds. */
const added = /^(?:connection|content-length|date|keep-alive)$/;

/** Returns the response of the service to a known list or a new house, as bare servers send it. */
async function responseOf({ port }: Server, { path, houses, known }: typeof list | typeof single) {
  const body = newBodies(path, houses, 1)();
  const headers = { "content-type": "application/json" };
  const post = () => fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
  const response = known ? await post().then(post) : await post();
  const kept = [...response.headers].filter(([name]) => !added.test(name));
  return JSON.stringify({ body: await response.text(), headers: Object.fromEntries(kept) });
}

function withRatios(rows: readonly Row[]): readonly Row[] {
  let baseline: Row = {};
  return rows.map((row) => {
    const { server = "" } = row;
    if (`${server}`.startsWith("bare")) baseline = row;
    const other = rows.find((one) => one !== row && matches(one, { server }));
    return {
      ...row,
      "× requests/s": ratio(row, baseline, "requests/s"),
      "× per CPU": ratio(baseline, row, "CPU ms"),
      ...(other && { "× other, per CPU": ratio(other, row, "CPU ms") }),
    };
  });
}

export const bare: Scenario = {
  name: "bare",
  columns: ["server", "checkout", ...pace, "× requests/s", "× per CPU", "× other, per CPU"],
  targets: contenders.flatMap(({ name: server, atLeast }) => {
    const where = { server, checkout: "" };
    if (atLeast === undefined) return [];
    return [
      { where, column: "× requests/s", atLeast },
      { where, column: "× per CPU", atLeast },
      { where, column: "× other, per CPU", atLeast: 0.98 },
    ];
  }),
  async measure(run) {
    const { stack, against } = run;
    const client = stack.use(new Client());
    const redis = stack.use(await startRedis());
    const example = stack.use(await startService());
    const turns: Turn[] = [];
    for (const { name, load, settings, atLeast } of contenders) {
      const RESPONSE = await responseOf(example, load);
      for (const folder of atLeast && against ? [checkout, against] : [checkout]) {
        const environment = { ...settings, REDIS_URL: redisUrl(redis, turns.length) };
        const variables = settings ? { ...environment, RESPONSE } : { RESPONSE };
        const server = stack.use(
          atLeast
            ? await startService({ environment, folder })
            : await startServer([process.execPath, bareServer], variables),
        );
        const { cache: _, ...unchecked } = load;
        const labels = { server: name, checkout: folder === checkout ? "" : folder };
        turns.push({ labels, run: () => client.drive(server, atLeast ? load : unchecked) });
      }
    }
    return withRatios(await takeTurns(turns, run));
  },
};
