import { bulkBodies, singleBodies } from "./houses.ts";
import { ask } from "./load.ts";
import { type Pace, race } from "./race.ts";
import { startReference } from "./references.ts";
import { startRedis, startService } from "./servers.ts";

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
