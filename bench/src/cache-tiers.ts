import { type BodySource, bulkBodies } from "./houses.ts";
import { ask, measure } from "./load.ts";
import { startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

const rounds = 5;
const seconds = 3;
const connections = 64;

/** One row of the report. */
export interface Row {
  readonly scenario: string;
  readonly requestsPerSecond: number;
  /** To the miss of the same size. */
  readonly ratio: number;
}

/**
 * Requests a second on `/bulk_predict` for a miss, a hit in Redis (the in-process tier turned off)
 * and a hit in memory: medians of interleaved rounds.
 */
export async function cacheTiers(houses: number, tell: (line: string) => void): Promise<Row[]> {
  const redis = await startRedis();
  const environment = { LOG_LEVEL: "info", REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  const shared = await startService({ ...environment, CACHE_MEMORY_BYTES: "0" });
  const both = await startService(environment);
  const unlike = bulkBodies(houses);
  const known = unlike();
  const scenarios: [string, typeof shared, BodySource][] = [
    ["miss", shared, unlike],
    ["Redis hit", shared, () => known],
    ["memory hit", both, () => known],
  ];
  try {
    const measured = scenarios.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [index, [name, server, body]] of scenarios.entries()) {
        await ask(server, "/bulk_predict", known);
        const load = {
          path: "/bulk_predict",
          body,
          connections,
          seconds: round === 0 ? 1 : seconds,
        };
        const rate = await measure(server, load);
        if (round === 0) continue;
        measured[index]?.push(rate);
        tell(`${houses} houses, ${name}, round ${round}: ${Math.round(rate)} requests/s`);
      }
    }
    const medians = measured.map((rates) => quantile(rates, 0.5));
    return scenarios.map(([name], index) => ({
      scenario: `${houses} houses, ${name}`,
      requestsPerSecond: medians[index] ?? 0,
      ratio: (medians[index] ?? 0) / (medians[0] ?? 0),
    }));
  } finally {
    await Promise.all([shared.stop(), both.stop(), redis.stop()]);
  }
}
