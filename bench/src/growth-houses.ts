import { growthExponent } from "./growth-exponent.ts";
import { bulkBodies, repeated } from "./houses.ts";
import { drive, type Pressure } from "./load.ts";
import { type Contender, type Pace, race } from "./race.ts";
import type { Section } from "./report.ts";
import { residentMiB } from "./resident-memory.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";

const sizes = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];
const sources = ["miss", "Redis hit", "memory hit"] as const;
const path = "/bulk_predict";
const worstExponent = 1.1;
/** Below it, what any request costs hides what a house costs. */
const slopeFrom = 1_000;

interface Size {
  readonly houses: number;
  /** In the order of {@link sources}. */
  readonly paces: readonly Pace[];
  readonly memory: Memory;
}

/** MiB resident. */
interface Memory {
  readonly atRest: number;
  readonly peak: number;
}

/** One client that asks for so many houses in all, but in no more than so many lists. */
const oneClient = (houses: number, inAll: number, maxLists: number): Pressure => ({
  connections: 1,
  until: { requests: Math.min(maxLists, Math.max(5, Math.floor(inAll / houses))) },
});

async function racePaces(redis: Server, tell: Tell): Promise<readonly (readonly Pace[])[]> {
  await using servers = new Servers();
  const withoutMemory = { REDIS_URL: redisUrl(redis), CACHE_MEMORY_BYTES: "0" };
  const shared = await servers.add(startService(withoutMemory));
  const both = await servers.add(startService({ REDIS_URL: redisUrl(redis, 1) }));

  const contenders = sizes.map((houses): Contender[] => {
    const bodies = bulkBodies(houses);
    const known = repeated(bodies.next());
    const common = { path, pressure: oneClient(houses, 100_000, 1_000) };
    const name = `${houses.toLocaleString("en")} houses`;
    return [
      { ...common, name: `${name}, miss`, server: shared, bodies, cache: "MISS" },
      { ...common, name: `${name}, Redis hit`, server: shared, bodies: known, cache: "HIT" },
      { ...common, name: `${name}, memory hit`, server: both, bodies: known, cache: "HIT" },
    ];
  });
  const paceOf = await race(contenders.flat(), tell);
  return contenders.map((ofSize) => ofSize.map(paceOf));
}

/** What a service of its own takes for half a million houses that nobody has asked for. */
async function measureMemory(redis: Server, houses: number): Promise<Memory> {
  const service = await startService({ REDIS_URL: redisUrl(redis, 2) });
  try {
    const atRest = residentMiB(service).now;
    await drive(service, {
      path,
      bodies: bulkBodies(houses),
      ...oneClient(houses, 500_000, 2_000),
    });
    return { atRest, peak: residentMiB(service).peak };
  } finally {
    await service.stop();
  }
}

function slopes(measured: readonly Size[]) {
  const upper = measured.filter(({ houses }) => houses >= slopeFrom);
  const slope = (what: string, figure: (size: Size) => number) => ({
    what,
    exponent: growthExponent(upper.map((size) => [size.houses, figure(size)])),
  });
  return [
    ...sources.map((source, index) =>
      slope(`time of a ${source}`, ({ paces }) => paces[index]?.p50Ms ?? Number.NaN),
    ),
    slope("memory beyond that at rest", ({ memory }) => memory.peak - memory.atRest),
  ];
}

function report(measured: readonly Size[]): Section {
  const lines = (figure: (pace: Pace) => number) =>
    sources.map((name, index) => ({
      name,
      points: measured.flatMap(({ houses, paces }) =>
        paces.slice(index, index + 1).map((pace) => [houses, figure(pace)] as const),
      ),
    }));
  return {
    name: "growth-houses",
    title: "Growth with the houses of a list",
    about: `\`/bulk_predict\` by one client: median milliseconds until the answer, and of processor time. For the miss and the Redis hit the in-process tier is off. The memory is what a service of its own, with production defaults, has resident at its peak over half a million houses in lists of such a length, 2,000 lists at most. The exponents of growth, where 1 is linear, are taken from ${slopeFrom.toLocaleString("en")} houses on.`,
    columns: [
      "houses",
      ...sources.map((source) => `${source}, ms`),
      ...sources.map((source) => `${source}, CPU ms`),
      "peak MiB",
    ],
    rows: measured.map(({ houses, paces, memory }) => [
      houses.toLocaleString("en"),
      ...paces.map(({ p50Ms }) => p50Ms),
      ...paces.map(({ cpuMsPerRequest }) => cpuMsPerRequest),
      memory.peak,
    ]),
    charts: [
      {
        kind: "lines",
        name: "growth-houses-time",
        title: "Time by the houses of a list",
        x: "houses",
        y: "ms",
        series: lines(({ p50Ms }) => p50Ms),
      },
      {
        kind: "lines",
        name: "growth-houses-memory",
        title: "Memory by the houses of a list",
        x: "houses",
        y: "MiB resident at the peak",
        series: [
          { name: "miss", points: measured.map(({ houses, memory }) => [houses, memory.peak]) },
        ],
      },
    ],
    verdicts: slopes(measured).map(({ what, exponent }) => ({
      what,
      measure: "exponent over the houses of a list",
      figure: exponent,
      bound: "at most",
      target: worstExponent,
    })),
  };
}

/** How time and memory grow with the length of a list. */
export async function growthHouses(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const paces = await racePaces(redis, tell);
  const measured: Size[] = [];
  for (const [index, houses] of sizes.entries()) {
    tell(`memory for lists of ${houses.toLocaleString("en")} houses`);
    const memory = await measureMemory(redis, houses);
    measured.push({ houses, paces: paces[index] ?? [], memory });
  }
  return report(measured);
}
