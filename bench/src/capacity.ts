import { type Bodies, knownBodies, singleBodies } from "./houses.ts";
import { demandPinning, pin } from "./pinning.ts";
import { type Contender, fillCache, race } from "./race.ts";
import { type ArrivalCost, arrive } from "./random-arrivals.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

const kinds = ["miss", "Redis hit", "memory hit"] as const;
type Kind = (typeof kinds)[number];

const ratesPerSecond = [500, 1_000, 2_000, 4_000];
const rounds = 5;
const seconds = 1.5;
const podCore = 0;
const clientCore = 1;
const onOneCore = "64 clients, one core";
const onTwoCores = "64 clients, two cores";

/** A service that is asked one kind of request. */
interface Pod {
  readonly kind: Kind;
  readonly server: Server;
}

/** What pods are asked for: the known ones are never among the others. */
interface Houses {
  readonly known: Bodies;
  readonly unknown: Bodies;
}

/** What a request costs a pod under one load. */
interface Cost {
  readonly kind: Kind;
  readonly load: string;
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
}

async function startPods(servers: Servers, redis: Server): Promise<readonly Pod[]> {
  const environment = { REDIS_URL: redisUrl(redis) };
  const withoutMemory = { ...environment, CACHE_MEMORY_BYTES: "0" };
  const pods: Pod[] = [];
  for (const kind of kinds) {
    const starting = startService(kind === "Redis hit" ? withoutMemory : environment);
    pods.push({ kind, server: await servers.add(starting) });
  }
  return pods;
}

function contenderOf({ kind, server }: Pod, { known, unknown }: Houses) {
  const common = { kind, server, name: kind, path: "/predict" };
  return kind === "miss"
    ? ({ ...common, bodies: unknown, cache: "MISS" } as const)
    : ({ ...common, bodies: known, cache: "HIT" } as const);
}

/** What pods carry that are asked without pause. */
async function saturate(
  loads: ReadonlyMap<string, readonly Pod[]>,
  houses: Houses,
  tell: Tell,
): Promise<readonly Cost[]> {
  const contenders = Array.from(loads, ([load, pods]) =>
    pods.map((pod) => ({ ...contenderOf(pod, houses), load, name: `${pod.kind}, ${load}` })),
  ).flat() satisfies Contender[];
  const paceOf = await race(contenders, tell);
  return contenders.map((contender) => {
    const { requestsPerSecond, cpuMsPerRequest } = paceOf(contender);
    const { kind, load } = contender;
    return { kind, load, requestsPerSecond, cpuMsPerRequest };
  });
}

/** What requests cost that arrive at random. */
async function scatter(pods: readonly Pod[], houses: Houses, tell: Tell): Promise<readonly Cost[]> {
  const { unknown } = houses;
  for (const pod of pods) await fillCache(contenderOf(pod, houses));
  const runs = pods.flatMap((pod) =>
    ratesPerSecond.map((perSecond) => ({ ...pod, perSecond, found: [] as ArrivalCost[] })),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { kind, server, perSecond, found } of runs) {
      tell(`round ${round} of ${rounds}: ${kind}, ${perSecond} a second`);
      const arrivals = { perSecond, seconds, ...(kind === "miss" && { first: unknown.taken }) };
      const cost = await arrive(server, arrivals, clientCore);
      if (kind === "miss") unknown.skip(cost.requests);
      found.push(cost);
    }
  }
  return runs.map(({ kind, perSecond, found }) => {
    const median = (figure: keyof ArrivalCost) =>
      quantile(
        found.map((cost) => cost[figure]),
        0.5,
      );
    return {
      kind,
      load: `${perSecond.toLocaleString("en")} a second`,
      requestsPerSecond: median("requestsPerSecond"),
      cpuMsPerRequest: median("cpuMsPerRequest"),
    };
  });
}

function report(costs: readonly Cost[]): Section {
  const ofKind = kinds.map((kind) => costs.filter((cost) => cost.kind === kind));
  return {
    name: "capacity",
    title: "What a pod carries",
    about:
      "`/predict` for one house, with production defaults; for the Redis hit, the in-process tier is off. Requests arrive at random, so many a second as if from as many clients, at a service that has one core; where fewer arrived, the client could send no more. Or 64 clients ask again as soon as they are answered. Redis and the client are on another core; a service with two cores shares both with them. A request costs less in company: many share a turn of the event loop and a run of the model.",
    columns: ["", "load", "requests/s", "CPU ms", "cores busy"],
    rows: ofKind
      .flat()
      .map(({ kind, load, requestsPerSecond, cpuMsPerRequest }) => [
        kind,
        load,
        requestsPerSecond,
        cpuMsPerRequest,
        (requestsPerSecond * cpuMsPerRequest) / 1_000,
      ]),
    charts: [
      {
        kind: "lines",
        name: "capacity",
        title: "Cost of a request by load, on one core",
        x: "requests/s",
        y: "CPU ms a request",
        series: kinds.map((name, index) => ({
          name,
          points: (ofKind[index] ?? [])
            .filter(({ load }) => load !== onTwoCores)
            .map((cost) => [cost.requestsPerSecond, cost.cpuMsPerRequest] as const),
        })),
      },
    ],
    verdicts: [],
  };
}

/** What a pod carries, and what a request costs it, by how busy it is. */
export async function capacity(tell: Tell): Promise<Section> {
  demandPinning();
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const pinned = await startPods(servers, redis);
  const free = await startPods(servers, redis);
  pin(redis, clientCore);
  for (const { server } of pinned) pin(server, podCore);

  const unknown = singleBodies();
  const houses = { known: knownBodies(1, unknown), unknown };
  const loads = new Map([
    [onOneCore, pinned],
    [onTwoCores, free],
  ]);
  const saturated = await saturate(loads, houses, tell);
  return report([...(await scatter(pinned, houses, tell)), ...saturated]);
}
