import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Client } from "../load/client.ts";
import { hit, miss } from "../race.ts";
import { figureText, type Table } from "../report/tables.ts";
import { bodyHeader, newBodies, readPredictions } from "../request-bodies.ts";
import { matches, type Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import { type Row, ratio, takeTurns } from "../turns.ts";

const folder = join(import.meta.dirname, "../../peers");
const Contender = z.object({
  server: z.string(),
  /** The folder of its program. The service has none. */
  program: z.string().optional(),
  /** Where it takes one house, and where a list. */
  paths: z.tuple([z.string(), z.string()]),
  healthPath: z.string().optional(),
  hasRedis: z.boolean().default(false),
  hasOtherModel: z.boolean().default(false),
  /** How many times its requests per second the service must serve, by the kind of request. */
  atLeast: z.array(z.number()).default([]),
});
type Contender = z.infer<typeof Contender>;
const runScript = join(folder, "run.sh");
const file = readFileSync(join(folder, "peers.json"), "utf8");
const contenders = z.array(Contender).parse(JSON.parse(file));
const kinds = [
  { request: "1 house", houses: 1, clients: 64 },
  { request: "100 houses", houses: 100, clients: 64 },
  { request: "1,000 houses", houses: 1_000, clients: 8 },
];
const pathFor = (houses: number, paths: Contender["paths"]) => paths[houses === 1 ? 0 : 1];
const requestsPerSecond = "× requests/s";
const perCpu = "× per CPU";

/** Returns the predictions of a server for houses that are always the same. */
async function predictionsOf({ port }: servers.Server, paths: Contender["paths"]): Promise<string> {
  const predictions = kinds.map(async ({ houses }) => {
    const path = pathFor(houses, paths);
    const body = Buffer.from(newBodies(path, houses, 2)(), "latin1");
    const [name = "", value = ""] = bodyHeader(path).split(": ");
    const init = { method: "POST", headers: { [name]: value }, body };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const binaryFrom = response.headers.get("inference-header-content-length");
    return readPredictions(await response.arrayBuffer(), binaryFrom);
  });
  return String(await Promise.all(predictions));
}

/** A contender that is running. */
type Started = Contender & { readonly running: servers.Server };

/** Returns what to measure: each kind of request to all servers, before the next. */
const runsOf = (started: readonly Started[], client: Client) =>
  [miss, hit].flatMap(({ known, cache }) =>
    kinds.flatMap(({ request, houses, clients }) =>
      started.flatMap(({ server, running, paths, hasRedis }) => {
        if (cache === hit.cache && !hasRedis) return [];
        const labels = { request, cache, server, redis: hasRedis ? "Redis" : "" };
        const load = { path: pathFor(houses, paths), houses, clients, known, seconds: 2 };
        // Only those with Redis say in X-Cache whether they computed the answer.
        const checked = hasRedis ? { ...load, cache } : load;
        return [{ labels, run: () => client.drive(running, checked) }];
      }),
    ),
  );

function withRatios(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    const { request = "", cache = "", redis = "" } = row;
    const own = rows.find((one) => matches(one, { request, cache, redis }));
    if (row === own) return row;
    const requests = ratio(own, row, "requests/s");
    return { ...row, [requestsPerSecond]: requests, [perCpu]: ratio(row, own, "CPU ms") };
  });
}

/**
 * Returns a line per server: the requests per second of the service, or the ratio to them. Of servers
 * with a cache, only hits are shown.
 */
function overview(rows: readonly Row[]): Table {
  const hits = rows.filter((row) => matches(row, { cache: hit.cache }));
  const cached = new Set(hits.map(({ server }) => server));
  const shown = [...rows.filter(({ server = "" }) => !cached.has(server)), ...hits];
  const requests = kinds.map(({ request }) => request);
  const line = (name: string, ofServer: readonly Row[]) => {
    const cells = requests.map((request) => {
      const row = ofServer.find((one) => matches(one, { request }));
      if (row === undefined) return "left out";
      const { [requestsPerSecond]: multiple } = row;
      if (multiple !== undefined) return `${figureText(Number(multiple))} ×`;
      return `${figureText(Number(row["requests/s"]))}/s`;
    });
    return [name, ...cells];
  };
  const lines = Map.groupBy(shown, ({ server = "" }) =>
    cached.has(server) ? `${server}, cached` : `${server}`,
  );
  return { columns: ["server", ...requests], rows: [...lines].map((pair) => line(...pair)) };
}

export const peers: Scenario = {
  name: "peers",
  title: "Compared with other servers",
  about: readFileSync(join(folder, "about.md"), "utf8").trim(),
  columns: [
    ...["request", "cache", "server", "requests/s", "CPU ms"],
    ...[requestsPerSecond, perCpu, "client cores", "left out"],
  ],
  charts: [
    {
      name: "peers",
      title: "Requests per second of the service, as a multiple of those of each server",
      ...{ where: { cache: miss.cache }, group: "server", series: "request" },
      ...{ figures: [requestsPerSecond], isLogarithmic: true },
    },
  ],
  targets: contenders.flatMap(({ server, atLeast: factors }) =>
    factors.map((atLeast, kind) => {
      const where = { server, cache: miss.cache, request: kinds[kind]?.request ?? "" };
      return { where, column: requestsPerSecond, atLeast };
    }),
  ),
  overview,
  async measure(report, { rounds }) {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new Client());
    const redis = stack.use(await servers.startRedis());
    const started: Started[] = [];
    const leftOut: Row[] = [];
    let right = "";
    for (const [database, contender] of contenders.entries()) {
      const { server: name, program, healthPath, hasRedis, hasOtherModel } = contender;
      report(`starting ${name}${program ? ", which is installed on first use" : ""}`);
      const environment = hasRedis ? { REDIS_URL: servers.redisUrl(redis, database) } : {};
      try {
        const running = program
          ? await servers.startServer([runScript, program], environment, healthPath)
          : await servers.startService({ environment });
        stack.use(running);
        const predictions = await predictionsOf(running, contender.paths);
        right ||= predictions;
        if (predictions !== right && !hasOtherModel) throw new Error("its predictions are wrong");
        started.push({ ...contender, running });
      } catch (error) {
        if (program === undefined) throw error;
        leftOut.push({ server: name, "left out": `${error}` });
      }
    }
    const rows = await takeTurns(runsOf(started, client), report, rounds);
    return [...withRatios(rows), ...leftOut];
  },
};
