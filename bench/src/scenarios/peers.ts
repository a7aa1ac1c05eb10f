import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Client, hit, miss } from "../load/client.ts";
import { figureText, type Table } from "../report/tables.ts";
import { newBodies, readPredictions } from "../request-bodies.ts";
import { matches, type Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import { type Row, ratio } from "../turns.ts";

const folder = join(import.meta.dirname, "../../peers");
const Contender = z.object({
  server: z.string(),
  /** Its folder in `bench/peers`. The service has none. */
  program: z.string().optional(),
  /** Where it takes one house, and where a list. */
  paths: z.tuple([z.string(), z.string()]),
  healthPath: z.string().optional(),
  hasRedis: z.boolean().default(false),
  hasOtherModel: z.boolean().default(false),
});
const paths = ["/predict", "/bulk_predict"];
const contenders = z
  .array(Contender)
  .parse([
    { server: "prediction-service", paths },
    { server: "prediction-service with Redis", paths, hasRedis: true },
    ...JSON.parse(readFileSync(join(folder, "peers.json"), "utf8")),
  ]);
const kinds = [
  { request: "1 house", houses: 1, clients: 64, atLeast: 2.2 },
  { request: "100 houses", houses: 100, clients: 64, atLeast: 1.5 },
  { request: "1,000 houses", houses: 1_000, clients: 8, atLeast: 1.6 },
];
const fastest = ["BlackSheep", "Robyn", "MLServer"];
const requestsPerSecond = "× requests/s";
const perCpu = "× per CPU";

/** Starts a contender, which may be installed first, and returns what to measure. */
async function start(contender: z.infer<typeof Contender>, REDIS_URL: string) {
  const { server: name, program, healthPath, hasRedis } = contender;
  const environment = hasRedis ? { REDIS_URL } : {};
  const command = [join(folder, "run.sh"), program ?? ""];
  const server = program
    ? await servers.startServer(command, environment, healthPath, 900_000)
    : await servers.startService({ environment });
  const entries = (hasRedis ? [miss, hit] : [miss]).flatMap(({ known, cache }) =>
    kinds.map(({ request, houses, clients }) => {
      const path = contender.paths[houses === 1 ? 0 : 1];
      const labels = { request, cache, server: name, redis: String(hasRedis) };
      const load = { path, houses, clients, known, seconds: 2 };
      // Only those with Redis say in X-Cache whether they computed the answer.
      return { labels, server, load: hasRedis ? { ...load, cache } : load };
    }),
  );
  return { ...contender, process: server, entries };
}

/** The predictions for the same houses from each started contender, one kind of request a line. */
async function predictionsOf({ process, entries }: Awaited<ReturnType<typeof start>>) {
  const answers = entries.slice(0, kinds.length).map(async ({ load: { path, houses } }) => {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: newBodies(path, houses, 2)() };
    const response = await fetch(`http://127.0.0.1:${process.port}${path}`, request);
    return readPredictions(path, await response.text()).join();
  });
  return (await Promise.all(answers)).join("\n");
}

function withRatios(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    const { request = "", cache = "", redis = "" } = row;
    const own = rows.find((one) => matches(one, { request, cache, redis }));
    if (row === own) return row;
    const requests = ratio(own, row, "requests/s");
    return { ...row, [requestsPerSecond]: requests, [perCpu]: ratio(row, own, "CPU ms") };
  });
}

/** A line for each server: what the service needs, and the two ratios to each other server. */
function overview(rows: readonly Row[]): Table {
  const cell = (row: Row | undefined) => {
    if (row === undefined) return "left out";
    const figure = (column: string) => figureText(Number(row[column]));
    return row[perCpu] === undefined
      ? `${figure("requests/s")}/s, ${figure("CPU ms")} ms`
      : `${figure(requestsPerSecond)} ×, ${figure(perCpu)} ×`;
  };
  const lines = Map.groupBy(rows, ({ server, cache }) =>
    cache === hit.cache ? `${server}, cached` : String(server),
  );
  const requests = kinds.map(({ request }) => request);
  const cells = [...lines].map(([name, ofServer]) => [
    name,
    ...requests.map((request) => cell(ofServer.find((row) => matches(row, { request })))),
  ]);
  return { columns: ["server", ...requests], rows: cells };
}

const computed = { cache: miss.cache };

export const peers: Scenario = {
  name: "peers",
  title: "Compared with other servers",
  about: `TODO`,
  columns: [
    ...["request", "cache", "server", "requests/s", "CPU ms"],
    ...[requestsPerSecond, perCpu, "client cores", "left out"],
  ],
  charts: [
    {
      name: "peers",
      title: "Requests per second of the service, as a multiple of those of each server",
      ...{ where: computed, group: "server", series: "request" },
      ...{ figures: [requestsPerSecond], isLogarithmic: true },
    },
  ],
  targets: [
    ...kinds.flatMap(({ request, atLeast }) =>
      fastest.map((server) => ({ where: { request, server, ...computed }, atLeast })),
    ),
    { where: { request: "1 house", server: "FastAPI", ...computed }, atLeast: 8 },
  ].map((target) => ({ column: requestsPerSecond, ...target })),
  overview,
  async measure(tell, { rounds }) {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new Client());
    const redis = stack.use(await servers.startRedis());
    const started: Awaited<ReturnType<typeof start>>[] = [];
    const leftOut: Row[] = [];
    for (const [database, contender] of contenders.entries()) {
      tell(`starting ${contender.server}`);
      try {
        const one = await start(contender, servers.redisUrl(redis, database));
        stack.use(one.process);
        started.push(one);
      } catch (error) {
        leftOut.push({ server: contender.server, "left out": String(error) });
      }
    }
    const predictions = await Promise.all(started.map(predictionsOf));
    for (const [index, { server, hasOtherModel }] of started.entries()) {
      if (predictions[index] === predictions[0] || hasOtherModel) continue;
      throw new Error(`void: ${server} does not return the service's predictions`);
    }
    const entries = started.flatMap((one) => one.entries);
    const inOrder = [miss, hit].flatMap(({ cache }) =>
      kinds.flatMap(({ request }) =>
        entries.filter(({ labels }) => matches(labels, { request, cache })),
      ),
    );
    return [...withRatios(await client.race(inOrder, tell, rounds)), ...leftOut];
  },
};
