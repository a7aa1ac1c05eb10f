import { cpuMs } from "./cpu.ts";
import { type BodySource, bulkBodies, singleBodies } from "./houses.ts";
import { ask, measure } from "./load.ts";
import { startReference } from "./references.ts";
import { type Server, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

const rounds = 5;
const seconds = 3;
const connections = 64;

interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly path: string;
  readonly body: BodySource;
}

/** What a contender needs for its requests: medians of interleaved rounds. */
export interface Pace {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMsPerRequest: number;
}

async function race(
  contenders: readonly Contender[],
  tell: (line: string) => void,
): Promise<Pace[]> {
  const paces = contenders.map(() => ({ rates: [] as number[], costs: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, server, path, body }] of contenders.entries()) {
      await ask(server, path, body());
      const before = cpuMs(server);
      const rate = await measure(server, { path, body, connections, seconds });
      if (round === 0) continue;
      const cost = (cpuMs(server) - before) / (rate * seconds);
      paces[index]?.rates.push(rate);
      paces[index]?.costs.push(cost);
      tell(
        `round ${round}, ${name}: ${Math.round(rate)} requests/s, ${cost.toFixed(4)} CPU ms each`,
      );
    }
  }
  return contenders.map(({ name }, index) => ({
    name,
    requestsPerSecond: quantile(paces[index]?.rates ?? [], 0.5),
    cpuMsPerRequest: quantile(paces[index]?.costs ?? [], 0.5),
  }));
}

/**
 * The service, with its production defaults, against bare servers that read the same bodies and send
 * as long an answer with the same headers.
 */
export async function againstBare(tell: (line: string) => void): Promise<Pace[]> {
  const redis = await startRedis();
  const redisUrl = `redis://127.0.0.1:${redis.port}`;
  const both = await startService({ REDIS_URL: redisUrl });
  const shared = await startService({ REDIS_URL: redisUrl, CACHE_MEMORY_BYTES: "0" });
  const known = bulkBodies(10)();
  const path = "/bulk_predict";
  const answer = () => ask(both, path, known);
  const node = await startReference("node-http", await answer(), redisUrl);
  const hono = await startReference("hono", await answer(), redisUrl);
  const honoRedis = await startReference("hono-redis", await answer(), redisUrl);
  const knownBody = () => known;
  try {
    return await race(
      [
        { name: "bare node:http", server: node, path, body: knownBody },
        { name: "bare Hono", server: hono, path, body: knownBody },
        { name: "10 houses, memory hit", server: both, path, body: knownBody },
        { name: "bare Hono, parse, hash, GET", server: honoRedis, path, body: knownBody },
        { name: "10 houses, Redis hit", server: shared, path, body: knownBody },
        { name: "one house, miss", server: shared, path: "/predict", body: singleBodies() },
      ],
      tell,
    );
  } finally {
    await Promise.all([both, shared, node, hono, honoRedis, redis].map((server) => server.stop()));
  }
}
