import { setTimeout as sleep } from "node:timers/promises";
import { type Bodies, bulkBodies, singleBodies } from "./houses.ts";
import { ask, drive, type Load } from "./load.ts";
import type { Section } from "./report.ts";
import { residentMiB } from "./resident-memory.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";

const restSeconds = 5;
const targetMiB = 220;
const nothing = "nothing";

interface Posts extends Load {
  readonly bodies: Bodies;
}

/** What a service of its own is given to do. */
interface Work {
  readonly name: string;
  readonly load?: Posts;
  /** Whether the in-process tier must overflow. */
  readonly fillsMemory?: boolean;
}

const singles = (requests: number): Posts => ({
  path: "/predict",
  bodies: singleBodies(),
  connections: 64,
  until: { requests },
});

const lists = (houses: number, connections: number, requests: number): Posts => ({
  path: "/bulk_predict",
  bodies: bulkBodies(houses),
  connections,
  until: { requests },
});

const works = (): readonly Work[] => [
  { name: nothing },
  { name: "5,000 houses one by one, 64 clients", load: singles(5_000) },
  { name: "250,000 houses one by one, 64 clients", load: singles(250_000), fillsMemory: true },
  { name: "1,000 lists of 1,000 houses, 8 clients", load: lists(1_000, 8, 1_000) },
  { name: "100 lists of 10,000 houses, 8 clients", load: lists(10_000, 8, 100) },
  { name: "a list of 100,000 houses", load: lists(100_000, 1, 1) },
  { name: "10 lists of 100,000 houses, 1 client", load: lists(100_000, 1, 10) },
];

/** @throws where the in-process tier still holds the first answer of all, and so was never full */
async function fill(server: Server, load: Posts): Promise<void> {
  const first = load.bodies.next();
  await ask(server, load.path, first);
  await drive(server, load);
  const { headers } = await ask(server, load.path, first);
  if (headers.get("cache-status")?.includes("detail=memory")) throw new Error("void: not full");
}

/** MiB */
interface Footprint {
  readonly peak: number;
  readonly atRest: number;
}

async function measure(server: Server, { load, fillsMemory }: Work): Promise<Footprint> {
  if (load) await (fillsMemory ? fill : drive)(server, load);
  await sleep(restSeconds * 1000);
  const { peak, now } = residentMiB(server);
  return { peak, atRest: now };
}

/** What memory the service takes, by what it has to do. */
export async function memory(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const found: (Work & Footprint)[] = [];
  for (const [index, work] of works().entries()) {
    tell(work.name);
    const service = await startService({ REDIS_URL: redisUrl(redis, index) });
    try {
      found.push({ ...work, ...(await measure(service, work)) });
    } finally {
      await service.stop();
    }
  }
  return {
    name: "memory",
    title: "Resident memory",
    about: [
      "Each row has a service of its own, with Redis and its production defaults, which is given misses;",
      "250,000 answers are more than its in-process tier holds. Resident memory at its peak, and after",
      `${restSeconds} seconds of rest. V8 collects the later the more memory the machine has, and gives little`,
      "back: a container's memory limit keeps it lower.",
    ].join("\n"),
    columns: ["work", "peak MiB", "MiB at rest after it"],
    rows: found.map(({ name, peak, atRest }) => [name, peak, atRest]),
    charts: [
      {
        kind: "bars",
        name: "memory",
        title: "Resident memory",
        unit: "MiB",
        scale: "linear",
        labels: found.map(({ name }) => name),
        series: [{ name: "peak", values: found.map(({ peak }) => peak) }],
      },
    ],
    verdicts: found
      .filter(({ name }) => name === nothing)
      .map(({ atRest }) => ({
        what: "at rest, Redis on",
        measure: "resident MiB",
        figure: atRest,
        bound: "at most",
        target: targetMiB,
      })),
  };
}
