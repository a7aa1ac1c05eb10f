import { type Bodies, bulkBodies } from "./houses.ts";
import { ask } from "./load.ts";
import type { Cell, Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

const seconds = 20;
/** The service's default for Redis. */
const timeoutMs = 50;

async function latenciesMs(server: Server, bodies: Bodies, duration: number): Promise<number[]> {
  const measured: number[] = [];
  const end = performance.now() + duration * 1000;
  while (performance.now() < end) {
    const start = performance.now();
    await ask(server, "/bulk_predict", bodies.next());
    measured.push(performance.now() - start);
  }
  return measured;
}

const row = (name: string, latencies: readonly number[]): Cell[] => [
  name,
  quantile(latencies, 0.5),
  quantile(latencies, 0.99),
  Math.max(...latencies),
  `${latencies.filter((ms) => ms > timeoutMs / 2).length} of ${latencies.length}`,
];

/** What a Redis that hangs costs: bounded by the time limit, then by the circuit breaker. */
export async function frozenRedis(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const service = await servers.add(
    startService({ REDIS_URL: redisUrl(redis), CACHE_MEMORY_BYTES: "0" }),
  );
  const bodies = bulkBodies(10);
  tell("warm-up");
  await latenciesMs(service, bodies, 2);
  tell(`Redis answers, ${seconds} s`);
  const before = await latenciesMs(service, bodies, seconds);
  redis.process.kill("SIGSTOP");
  tell(`Redis is frozen, ${seconds} s`);
  const after = await latenciesMs(service, bodies, seconds);
  return {
    name: "frozen-redis",
    title: "A Redis that hangs",
    about:
      `One client sends misses of 10 houses one after the other; then Redis is stopped by ` +
      `SIGSTOP for ${seconds} seconds, with the time limit at its default of ${timeoutMs} ms.`,
    columns: ["Redis", "p50 ms", "p99 ms", "slowest ms", `over ${timeoutMs / 2} ms`],
    rows: [row("answers", before), row("is frozen", after)],
    charts: [],
    verdicts: [],
  };
}
