import { join } from "node:path";
import { startFastApi } from "./fastapi-peer.ts";
import { type Bodies, bulkBodies, knownBodies, singleBodies } from "./houses.ts";
import { redisUrl, type Server, type Servers, startRedis, startService } from "./servers.ts";

const model = join(import.meta.dirname, "../../model/california-housing.onnx");

/** Who answers a kind of request. */
export interface Answerer {
  readonly name: string;
  readonly server: Server;
  /** A round's requests, where two seconds would hold too few. */
  readonly requests?: number;
}

/** One kind of request: the service's answers beside others'. */
export interface Match {
  readonly what: string;
  readonly path: string;
  /** Bodies for one answerer. */
  readonly bodies: () => Bodies;
  readonly cache: "HIT" | "MISS";
  readonly connections: number;
  readonly service: Answerer;
  /** Each with how many times as fast the service is to be, if that is demanded. */
  readonly others: readonly (Answerer & { readonly target?: number })[];
}

async function startAnswerers(servers: Servers) {
  const redis = await servers.add(startRedis());
  const own = { REDIS_URL: redisUrl(redis) };
  const onnx = { REDIS_URL: redisUrl(redis, 1), MODEL: model };
  const svr = { REDIS_URL: redisUrl(redis, 2) };
  return {
    service: { name: "service", server: await servers.add(startService(own)) },
    redisAlone: {
      name: "service, Redis alone",
      server: await servers.add(startService({ ...own, CACHE_MEMORY_BYTES: "0" })),
    },
    onnx: { name: "FastAPI, our ONNX file", server: await servers.add(startFastApi(onnx)) },
    svr: { name: "FastAPI, SVR", server: await servers.add(startFastApi(svr)) },
  };
}

/** Starts all that takes part. */
export async function startMatches(servers: Servers): Promise<Match[]> {
  const { service, redisAlone, onnx, svr } = await startAnswerers(servers);
  const single = { path: "/predict", connections: 64 } as const;
  const list = (connections: number) => ({ path: "/bulk_predict", connections }) as const;
  function hit(houses: number, bodies: Bodies) {
    const known = knownBodies(houses, bodies);
    const others = [redisAlone, onnx];
    return { cache: "HIT", bodies: () => known, service, others } as const;
  }
  return [
    {
      what: "/predict, miss",
      ...single,
      cache: "MISS",
      bodies: singleBodies,
      service,
      others: [
        { ...onnx, target: 8 },
        { ...svr, target: 20 },
      ],
    },
    {
      what: "1,000 houses, miss",
      ...list(4),
      cache: "MISS",
      bodies: () => bulkBodies(1_000),
      service: { ...service, requests: 500 },
      others: [
        { ...onnx, requests: 200, target: 1.6 },
        { ...svr, requests: 8, target: 20 },
      ],
    },
    {
      what: "10,000 houses, miss",
      ...list(2),
      cache: "MISS",
      bodies: () => bulkBodies(10_000),
      service: { ...service, requests: 50 },
      others: [
        { ...onnx, requests: 20, target: 1.6 },
        { ...svr, requests: 2, target: 20 },
      ],
    },
    { what: "/predict, hit", ...single, ...hit(1, singleBodies()) },
    { what: "10 houses, hit", ...list(64), ...hit(10, bulkBodies(10)) },
    {
      what: "1,000 houses, hit",
      ...list(4),
      ...hit(1_000, bulkBodies(1_000)),
      others: [redisAlone, { ...onnx, target: 12 }],
    },
    {
      what: "10,000 houses, hit",
      ...list(4),
      ...hit(10_000, bulkBodies(10_000)),
      others: [redisAlone, { ...onnx, requests: 32, target: 12 }],
    },
  ];
}
