import { bulkBodies, knownBodies, singleBodies } from "./houses.ts";
import { ask } from "./load.ts";
import { aboutClient, paceCells, paceColumns, paceVerdicts, ratios } from "./paces.ts";
import { type Contender, race } from "./race.ts";
import { type Reference, startReference } from "./references.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, Servers, startRedis, startService } from "./servers.ts";

/** A contender beside the bare server that it can't be faster than. */
interface Match {
  readonly contender: Contender;
  readonly baseline: Contender;
  /** How much of the baseline's pace is demanded. */
  readonly target?: number;
}

async function startMatches(servers: Servers): Promise<Match[]> {
  const redis = await servers.add(startRedis());
  const environment = { REDIS_URL: redisUrl(redis) };
  const list = {
    path: "/bulk_predict",
    bodies: knownBodies(10, bulkBodies(10)),
    server: await servers.add(startService(environment)),
    cache: "HIT",
  } as const;
  const single = {
    path: "/predict",
    bodies: singleBodies(),
    server: await servers.add(startService(environment)),
    cache: "MISS",
  } as const;
  const withoutMemory = startService({ ...environment, CACHE_MEMORY_BYTES: "0" });
  const memoryHit = { ...list, name: "10 houses, memory hit" };
  const redisHit = {
    ...list,
    name: "10 houses, Redis hit",
    server: await servers.add(withoutMemory),
  };
  const miss = { ...single, name: "one house, miss" };

  async function bareServer(
    name: string,
    reference: Reference,
    { path, bodies, server, cache }: typeof list | typeof single,
  ) {
    const body = bodies.next();
    if (cache === "HIT") await ask(server, path, body);
    const answer = await ask(server, path, body);
    const started = startReference(reference, answer, redisUrl(redis, 1));
    return { name, path, bodies, server: await servers.add(started) };
  }
  const node = await bareServer("bare node:http", "node-http", list);
  const hono = await bareServer("bare Hono", "hono", list);
  const honoRedis = await bareServer("bare Hono: parse, hash, GET", "hono-redis", list);
  const honoSingle = await bareServer("bare Hono, one house", "hono", single);
  return [
    { contender: node, baseline: hono },
    { contender: hono, baseline: hono },
    { contender: memoryHit, baseline: hono, target: 0.85 },
    { contender: honoRedis, baseline: honoRedis },
    { contender: redisHit, baseline: honoRedis, target: 0.9 },
    { contender: honoSingle, baseline: honoSingle },
    { contender: miss, baseline: honoSingle, target: 0.55 },
  ];
}

const about = [
  "The service with its production defaults (for the Redis hit, the in-process tier is off) against",
  "bare servers that read the same body, whole, and send as long an answer with the same headers;",
  "the one for the Redis hit also parses the body, hashes it by SHA-256 and sends Redis one GET.",
  "64 connections. The last two columns are multiples of the bare Hono above: requests a second, and",
  "requests a second of processor time.",
].join("\n");

/** How near the service comes to servers that do nothing. */
export async function bare(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const matches = await startMatches(servers);
  const contenders = matches.map(({ contender }) => contender);
  const paceOf = await race(contenders, tell);
  return {
    name: "bare",
    title: "Against bare servers",
    about: `${about} ${aboutClient(contenders.map(paceOf))}`,
    columns: ["", ...paceColumns, "× requests/s", "× per CPU"],
    rows: matches.map(({ contender, baseline }) => {
      const { rate, cpu } = ratios(paceOf(contender), paceOf(baseline));
      return [contender.name, ...paceCells(paceOf(contender)), rate, cpu];
    }),
    charts: [
      {
        kind: "bars",
        name: "bare",
        title: "Against bare servers: processor time a request",
        unit: "ms",
        scale: "linear",
        labels: contenders.map(({ name }) => name),
        series: [
          {
            name: "CPU ms a request",
            values: contenders.map((contender) => paceOf(contender).cpuMsPerRequest),
          },
        ],
      },
    ],
    verdicts: matches.flatMap(({ contender, baseline, target }) =>
      target === undefined
        ? []
        : paceVerdicts(contender.name, paceOf(contender), {
            name: baseline.name,
            pace: paceOf(baseline),
            target,
          }),
    ),
  };
}
