import { join } from "node:path";
import peerList from "../../peers/peers.json" with { type: "json" };
import { Client } from "../load/client.ts";
import { cellText, type Table } from "../report/tables.ts";
import { bodyHeader, newBodies, readPredictions } from "../request-bodies.ts";
import { matches, type Row, type Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import { hit, miss, ratio, takeTurns } from "../turns.ts";

const runScript = join(import.meta.dirname, "../../peers/run.sh");
type Peer = (typeof peerList)[number];
const kinds = [
  { request: "1 house", houses: 1, clients: 64, path: "single" },
  { request: "100 houses", houses: 100, clients: 64, path: "list" },
  { request: "1,000 houses", houses: 1_000, clients: 8, path: "list" },
] as const;
const requestsPerSecond = "× requests/s";

/** Returns the predictions of a server for houses that are always the same. */
async function predictionsOf({ port }: servers.Server, peer: Peer): Promise<string> {
  const predictions = kinds.map(async ({ houses, path }) => {
    const body = Buffer.from(newBodies(peer[path], houses, 2)(), "latin1");
    const [name = "", value = ""] = bodyHeader(peer[path]).split(": ");
    const init = { method: "POST", headers: { [name]: value }, body };
    const response = await fetch(`http://127.0.0.1:${port}${peer[path]}`, init);
    const binaryFrom = response.headers.get("inference-header-content-length");
    return readPredictions(await response.arrayBuffer(), binaryFrom);
  });
  return String(await Promise.all(predictions));
}

function withRatios(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    const { request = "", cache = "", redis = "" } = row;
    const own = rows.find((one) => matches(one, { request, cache, redis }));
    if (row === own) return row;
    const requests = ratio(own, row, "requests/s");
    return { ...row, [requestsPerSecond]: requests, "× per CPU": ratio(row, own, "CPU ms") };
  });
}

/** Returns a line per server with ratios of requests per second; of cached servers, those of hits. */
function overview(rows: readonly Row[]): Table {
  const requests = kinds.map(({ request }) => request);
  const shown = rows.filter(({ cache, redis }) => redis !== "Redis" || cache === hit.cache);
  const byServer = Map.groupBy(shown, ({ server, redis }) =>
    redis === "Redis" ? `${server}, cached` : `${server}`,
  );
  const lines = Array.from(byServer, ([server, ofServer]) => {
    const cells = requests.map((request) => {
      const row = ofServer.find((one) => matches(one, { request }));
      if (row === undefined) return "left out";
      const { [requestsPerSecond]: multiple, "requests/s": own } = row;
      return multiple === undefined ? `${cellText(own)}/s` : `${cellText(multiple)} ×`;
    });
    return [server, ...cells];
  });
  return [["server", ...requests], ...lines];
}

export const peers: Scenario = {
  name: "peers",
  columns: [
    ...["request", "cache", "server", "requests/s", "CPU ms"],
    ...[requestsPerSecond, "× per CPU", "client cores", "wrong, %", "left out"],
  ],
  charts: [
    {
      name: "peers",
      title: "Requests per second of the service, as a multiple of those of each server",
      ...{ where: { cache: miss.cache }, group: "server", series: "request" },
      ...{ figure: requestsPerSecond, isLogarithmic: true },
    },
  ],
  targets: peerList.flatMap(({ server, atLeast = [] }) =>
    atLeast.map((factor, kind) => {
      const where = { server, cache: miss.cache, request: kinds[kind]?.request ?? "" };
      return { where, column: requestsPerSecond, atLeast: factor };
    }),
  ),
  overview,
  async measure(run) {
    const client = run.stack.use(new Client());
    const redis = run.stack.use(await servers.startRedis());
    const started = new Map<Peer, servers.Server>();
    const leftOut: Row[] = [];
    let right = "";
    for (const [database, peer] of peerList.entries()) {
      const { server: name, program } = peer;
      run.report(`starting ${name}${program ? ", which is installed on first use" : ""}`);
      const environment = peer.hasRedis ? { REDIS_URL: servers.redisUrl(redis, database) } : {};
      try {
        const server = program
          ? await servers.startServer([runScript, program], environment, peer.healthPath)
          : await servers.startService({ environment });
        run.stack.use(server);
        const predictions = await predictionsOf(server, peer);
        right ||= predictions;
        if (predictions !== right && !peer.hasOtherModel) throw new Error("wrong predictions");
        started.set(peer, server);
      } catch (error) {
        if (program === undefined) throw error;
        leftOut.push({ server: name, "left out": `${error}` });
      }
    }
    const turns = [miss, hit].flatMap(({ known, cache }) =>
      kinds.flatMap(({ request, houses, clients, path }) =>
        [...started].flatMap(([peer, server]) => {
          if (cache === hit.cache && !peer.hasRedis) return [];
          const redis = peer.hasRedis ? "Redis" : "";
          const labels = { request, cache, server: peer.server, redis };
          const load = { path: peer[path], houses, clients, known, seconds: 2 };
          // Only those with Redis say in X-Cache whether they computed the answer.
          const checked = peer.hasRedis ? { ...load, cache } : load;
          return { labels, run: () => client.drive(server, checked) };
        }),
      ),
    );
    return [...withRatios(await takeTurns(turns, run)), ...leftOut];
  },
};
