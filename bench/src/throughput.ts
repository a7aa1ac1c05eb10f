import { bulkBodies, knownBodies, singleBodies } from "./houses.ts";
import type { Pressure } from "./load.ts";
import { aboutClient, paceCells, paceColumns } from "./paces.ts";
import { type Contender, race, usual } from "./race.ts";
import type { BarChart, Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";

const sources = ["miss", "Redis hit", "memory hit"] as const;
type Source = (typeof sources)[number];

const few: Pressure = { ...usual, connections: 8 };
/** So few of these are computed in two seconds that the unfinished ones would tell. */
const counted: Pressure = { ...few, until: { requests: 64 } };

const kinds = [
  { request: "/predict", path: "/predict", houses: 1, bodies: singleBodies, pressure: usual },
  ...[10, 100, 1_000, 10_000].map((houses) => ({
    request: `/bulk_predict, ${houses.toLocaleString("en")} houses`,
    path: "/bulk_predict",
    houses,
    bodies: () => bulkBodies(houses),
    pressure: houses < 1_000 ? usual : few,
  })),
];

/** A kind of request whose answers come from one place. */
interface Entry extends Contender {
  readonly request: string;
  readonly houses: number;
  readonly source: Source;
  readonly pressure: Pressure;
}

async function startServices(servers: Servers): Promise<Record<Source, Server>> {
  const REDIS_URL = redisUrl(await servers.add(startRedis()));
  return {
    miss: await servers.add(startService({ REDIS_URL })),
    "Redis hit": await servers.add(startService({ REDIS_URL, CACHE_MEMORY_BYTES: "0" })),
    "memory hit": await servers.add(startService({ REDIS_URL })),
  };
}

function entriesOf({ bodies, ...kind }: (typeof kinds)[number], services: Record<Source, Server>) {
  const unknown = bodies();
  const known = knownBodies(kind.houses, unknown);
  return sources.map((source): Entry => {
    const common = {
      ...kind,
      name: `${kind.request}, ${source}`,
      source,
      server: services[source],
    };
    if (source !== "miss") return { ...common, bodies: known, cache: "HIT" };
    const pressure = kind.houses < 10_000 ? kind.pressure : counted;
    return { ...common, pressure, bodies: unknown, cache: "MISS" };
  });
}

const about = [
  "Each kind of request in every way it can be answered: computed, found in Redis (the in-process tier",
  "is off) and found in memory. Else the service has its production defaults.",
].join("\n");

/** What the service carries, by kind of request. */
export async function throughput(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const services = await startServices(servers);
  const health = { name: "/health", path: "/health", server: services.miss, pressure: usual };
  const entries = kinds.flatMap((kind) => entriesOf(kind, services));
  const paceOf = await race([health, ...entries], tell);

  const chart = (
    name: string,
    title: string,
    unit: string,
    value: (entry: Entry) => number,
  ): BarChart => ({
    kind: "bars",
    name: `throughput-${name}`,
    title,
    unit,
    scale: "log",
    labels: kinds.map(({ request }) => request),
    series: sources.map((source) => ({
      name: source,
      values: entries.filter((entry) => entry.source === source).map(value),
    })),
  });
  return {
    name: "throughput",
    title: "Throughput",
    about: `${about} ${aboutClient([health, ...entries].map(paceOf))}`,
    columns: ["request", "from", "connections", ...paceColumns, "houses/s"],
    rows: [
      [health.path, "", health.pressure.connections, ...paceCells(paceOf(health)), ""],
      ...entries.map((entry) => {
        const { request, source, houses, pressure } = entry;
        const pace = paceOf(entry);
        const housesPerSecond = pace.requestsPerSecond * houses;
        return [request, source, pressure.connections, ...paceCells(pace), housesPerSecond];
      }),
    ],
    charts: [
      chart(
        "requests",
        "Requests a second",
        "requests/s",
        (entry) => paceOf(entry).requestsPerSecond,
      ),
      chart("cpu", "Processor time a request", "ms", (entry) => paceOf(entry).cpuMsPerRequest),
    ],
    verdicts: [],
  };
}
