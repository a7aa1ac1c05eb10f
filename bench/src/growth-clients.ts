import { growthExponent } from "./growth-exponent.ts";
import { bulkBodies, repeated, singleBodies } from "./houses.ts";
import { drive } from "./load.ts";
import { aboutClient } from "./paces.ts";
import { type Contender, type Pace, race } from "./race.ts";
import type { LineChart, Section, Verdict } from "./report.ts";
import { type ResidentMemory, residentMiB } from "./resident-memory.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";

const usual = 64;
const most = 512;
const clientNumbers = [1, 2, 4, 8, 16, 32, usual, 128, 256, most];
const leastShare = 0.8;
const worstExponent = 1.1;
/** As many for any number of clients. */
const missesForMemory = 20_000;

const kinds = ["miss", "hit"] as const;
type Kind = (typeof kinds)[number];
const titles: Readonly<Record<Kind, string>> = {
  miss: "one house, miss",
  hit: "10 houses, memory hit",
};

/** What so many clients get. */
interface Paces extends Readonly<Record<Kind, Pace>> {
  readonly clients: number;
}

interface Crowd extends Paces {
  readonly memory: { readonly atRest: ResidentMemory; readonly loaded: ResidentMemory };
}

async function racePaces(redis: Server, tell: Tell): Promise<readonly Paces[]> {
  await using servers = new Servers();
  const server = await servers.add(startService({ REDIS_URL: redisUrl(redis) }));
  const single = { path: "/predict", bodies: singleBodies(), cache: "MISS" } as const;
  const known = repeated(bulkBodies(10).next());
  const list = { path: "/bulk_predict", bodies: known, cache: "HIT" } as const;
  const contenders = clientNumbers.map((clients) => {
    const common = { server, pressure: { connections: clients, until: { seconds: 1 } } };
    return {
      clients,
      miss: { ...common, ...single, name: `${clients} clients, miss` },
      hit: { ...common, ...list, name: `${clients} clients, hit` },
    } satisfies Record<Kind, Contender> & { clients: number };
  });
  const paceOf = await race(
    contenders.flatMap(({ miss, hit }) => [miss, hit]),
    tell,
  );
  return contenders.map(({ clients, miss, hit }) => ({
    clients,
    miss: paceOf(miss),
    hit: paceOf(hit),
  }));
}

async function measureMemory(redis: Server, database: number, connections: number) {
  const service = await startService({ REDIS_URL: redisUrl(redis, database) });
  try {
    const atRest = residentMiB(service);
    const bodies = singleBodies();
    const until = { requests: missesForMemory };
    await drive(service, { path: "/predict", bodies, connections, until });
    return { atRest, loaded: residentMiB(service) };
  } finally {
    await service.stop();
  }
}

function verdictsOf(crowds: readonly Crowd[]): readonly Verdict[] {
  const rate = (kind: Kind, clients: number) =>
    crowds.find((crowd) => crowd.clients === clients)?.[kind].requestsPerSecond ?? Number.NaN;
  const beyondRest = crowds.map(
    ({ clients, memory }) => [clients, memory.loaded.peak - memory.atRest.now] as const,
  );
  return [
    ...kinds.map(
      (kind): Verdict => ({
        what: `${most} clients, ${titles[kind]}`,
        measure: `requests/s to those of ${usual} clients`,
        figure: rate(kind, most) / rate(kind, usual),
        bound: "at least",
        target: leastShare,
      }),
    ),
    {
      what: "memory beyond that at rest",
      measure: "exponent over the clients",
      figure: growthExponent(beyondRest),
      bound: "at most",
      target: worstExponent,
    },
  ];
}

function report(crowds: readonly Crowd[]): Section {
  const paces = crowds.flatMap((crowd) => kinds.map((kind) => crowd[kind]));
  const chart = (
    name: string,
    title: string,
    y: string,
    figure: (pace: Pace) => number,
  ): LineChart => ({
    ...{ kind: "lines", name: `growth-clients-${name}`, title, x: "clients", y },
    series: kinds.map((kind) => ({
      name: titles[kind],
      points: crowds.map((crowd) => [crowd.clients, figure(crowd[kind])] as const),
    })),
  });
  return {
    name: "growth-clients",
    title: "Growth with the number of clients",
    about: `Each client asks again as soon as it is answered, by \`/predict\` for a house that nobody has asked for and by \`/bulk_predict\` for ten known ones. Processor time is that of one request: a lone one wakes the processor by itself, in a crowd many share a turn and a run of the model. The memory is what a service of its own has resident at its peak over ${missesForMemory.toLocaleString("en")} misses. ${aboutClient(paces)}`,
    columns: [
      "clients",
      ...kinds.flatMap((kind) =>
        ["requests/s", "p50 ms", "p99 ms", "CPU ms"].map((figure) => `${kind}, ${figure}`),
      ),
      "peak MiB",
    ],
    rows: crowds.map((crowd) => [
      String(crowd.clients),
      ...kinds.flatMap((kind) => {
        const { requestsPerSecond, p50Ms, p99Ms, cpuMsPerRequest } = crowd[kind];
        return [requestsPerSecond, p50Ms, p99Ms, cpuMsPerRequest];
      }),
      crowd.memory.loaded.peak,
    ]),
    charts: [
      chart("rate", "Throughput by clients", "requests/s", (pace) => pace.requestsPerSecond),
      chart("p99", "Latency by clients", "p99, ms", (pace) => pace.p99Ms),
    ],
    verdicts: verdictsOf(crowds),
  };
}

/** How throughput, latency and memory grow with the number of clients. */
export async function growthClients(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const crowds: Crowd[] = [];
  for (const [index, paces] of (await racePaces(redis, tell)).entries()) {
    tell(`memory for ${paces.clients} clients`);
    // Not the race's database, nor another's: what one has stored is no miss for the next.
    crowds.push({ ...paces, memory: await measureMemory(redis, 1 + index, paces.clients) });
  }
  return report(crowds);
}
