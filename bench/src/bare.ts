import { bulkBodies, repeated, singleBodies } from "./houses.ts";
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
  const REDIS_URL = redisUrl(redis);
  const hitting = await servers.add(startService({ REDIS_URL }));
  const missing = await servers.add(startService({ REDIS_URL }));
  const withoutMemory = await servers.add(startService({ REDIS_URL, CACHE_MEMORY_BYTES: "0" }));

  const list = { path: "/bulk_predict", bodies: repeated(bulkBodies(10).next()) } as const;
  const single = { path: "/predict", bodies: singleBodies() } as const;
  const reference = async (name: Reference, { path, bodies }: typeof list | typeof single) => {
    const answer = await ask(missing, path, bodies.next());
    return servers.add(startReference(name, answer, redisUrl(redis, 1)));
  };

  const node = { ...list, name: "bare node:http", server: await reference("node-http", list) };
  const hono = { ...list, name: "bare Hono", server: await reference("hono", list) };
  const memoryHit = {
    ...list,
    name: "10 houses, memory hit",
    server: hitting,
    cache: "HIT",
  } as const;
  const honoRedis = {
    ...list,
    name: "bare Hono: parse, hash, GET",
    server: await reference("hono-redis", list),
  };
  const redisHit = {
    ...list,
    name: "10 houses, Redis hit",
    server: withoutMemory,
    cache: "HIT",
  } as const;
  const honoSingle = {
    ...single,
    name: "bare Hono, one house",
    server: await reference("hono", single),
  };
  const miss = { ...single, name: "one house, miss", server: missing, cache: "MISS" } as const;
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
