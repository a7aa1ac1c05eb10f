import { bulkBodies } from "./houses.ts";
import { ask } from "./load.ts";
import { type Server, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

/** Latencies of misses one after the other, in milliseconds. */
export interface FrozenRedis {
  readonly medianBefore: number;
  /** Of requests that waited for the frozen Redis at all. */
  readonly slow: number;
  readonly requests: number;
  readonly slowest: number;
  readonly medianAfter: number;
}

async function latencies(server: Server, body: () => string, seconds: number): Promise<number[]> {
  const measured: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const start = performance.now();
    await ask(server, "/bulk_predict", body());
    measured.push(performance.now() - start);
  }
  return measured;
}

/** What a Redis that hangs costs: bounded by the time limit, then by the circuit breaker. */
export async function frozenRedis(seconds: number): Promise<FrozenRedis> {
  const redis = await startRedis();
  const service = await startService({
    LOG_LEVEL: "info",
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    CACHE_MEMORY_BYTES: "0",
  });
  try {
    const body = bulkBodies(10);
    await latencies(service, body, 2);
    const before = await latencies(service, body, seconds);
    redis.process.kill("SIGSTOP");
    const after = await latencies(service, body, seconds);
    return {
      medianBefore: quantile(before, 0.5),
      slow: after.filter((ms) => ms > 25).length,
      requests: after.length,
      slowest: Math.max(...after),
      medianAfter: quantile(after, 0.5),
    };
  } finally {
    redis.process.kill("SIGCONT");
    await Promise.all([service.stop(), redis.stop()]);
  }
}
