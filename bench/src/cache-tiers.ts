import { bulkBodies } from "./houses.ts";
import { type Pace, race } from "./race.ts";
import { startRedis, startService } from "./servers.ts";

/**
 * `/bulk_predict` for a miss, a hit in Redis (the in-process tier turned off) and a hit in memory, in
 * this order.
 */
export async function cacheTiers(houses: number, tell: (line: string) => void): Promise<Pace[]> {
  const redis = await startRedis();
  const environment = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  const shared = await startService({ ...environment, CACHE_MEMORY_BYTES: "0" });
  const both = await startService(environment);
  const unlike = bulkBodies(houses);
  const known = unlike();
  const knownBody = () => known;
  const path = "/bulk_predict";
  try {
    return await race(
      [
        { name: `${houses} houses, miss`, server: shared, path, body: unlike },
        { name: `${houses} houses, Redis hit`, server: shared, path, body: knownBody },
        { name: `${houses} houses, memory hit`, server: both, path, body: knownBody },
      ],
      tell,
    );
  } finally {
    await Promise.all([shared, both, redis].map((server) => server.stop()));
  }
}
