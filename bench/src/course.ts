import { cpuMs } from "./cpu.ts";
import { driveLoad, type LoadReport } from "./deployed-load.ts";
import { figureText } from "./figures.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";

const clients = 100;
const rounds = 5;
const seconds = 3;
const cacheRates = [0, 0.5, 0.9, 1];
const judgedRate = 0.9;
const targetP99Ms = 50;

interface Run extends LoadReport {
  readonly cpuMsPerRequest: number;
}

async function run(server: Server, cacheRate: number): Promise<Run> {
  const url = `http://127.0.0.1:${server.port}`;
  const before = cpuMs(server);
  const report = await driveLoad({ url, clients, seconds, cacheRate, tell() {} });
  const requests = report.requestsPerSecond * seconds;
  return { ...report, cpuMsPerRequest: (cpuMs(server) - before) / requests };
}

/** The runs at each cache rate, in turns, so that what else the machine does falls on all of them. */
async function runAll(tell: Tell): Promise<ReadonlyMap<number, readonly Run[]>> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const service = await servers.add(startService({ REDIS_URL: redisUrl(redis) }));
  const runs = new Map(cacheRates.map((cacheRate) => [cacheRate, [] as Run[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [cacheRate, found] of runs) {
      tell(`round ${round} of ${rounds}: cache rate ${cacheRate}`);
      const measured = await run(service, cacheRate);
      if (round > 0) found.push(measured);
    }
  }
  return runs;
}

/** The load test of `./run.sh load`, against the service alone: 100 clients at several cache rates. */
export async function course(tell: Tell): Promise<Section> {
  const runs = await runAll(tell);
  const found = Array.from(runs, ([cacheRate, reports]) => {
    const median = (figure: keyof Run) =>
      quantile(
        reports.map((report) => report[figure]),
        0.5,
      );
    const faults = reports.reduce((sum, report) => sum + report.faults, 0);
    return { cacheRate, median, faults };
  });
  const busiest = Math.max(...found.map(({ median }) => median("clientCores")));
  const faults = found.reduce((sum, row) => sum + row.faults, 0);
  const what = `${clients} clients`;
  return {
    name: "course",
    title: "The course's load test",
    about: [
      `${clients} clients, each of which asks \`/health\` and then \`/bulk_predict\` for one house, again as`,
      "soon as it is answered. The cache rate is the share of predictions for a house that was asked for",
      "before. `./run.sh load` asks the same of a deployed service. Driven by autocannon, which used",
      `${figureText(busiest)} of a core at most: near 1, it would itself be the limit.`,
    ].join("\n"),
    columns: [
      "cache rate",
      "requests/s",
      "p50 ms",
      "p95 ms",
      "p99 ms",
      "hits, %",
      "CPU ms",
      "faults",
    ],
    rows: found.map(({ cacheRate, median, faults }) => [
      cacheRate,
      ...(["requestsPerSecond", "p50", "p95", "p99"] as const).map(median),
      median("hitShare") * 100,
      median("cpuMsPerRequest"),
      faults,
    ]),
    charts: [
      {
        kind: "bars",
        name: "course",
        title: `Latency of ${clients} clients by cache rate`,
        unit: "ms",
        scale: "linear",
        labels: found.map(({ cacheRate }) => String(cacheRate)),
        series: (["p50", "p95", "p99"] as const).map((name) => ({
          name,
          values: found.map(({ median }) => median(name)),
        })),
      },
    ],
    verdicts: [
      ...found
        .filter(({ cacheRate }) => cacheRate === judgedRate)
        .map(({ median }) => ({
          what: `${what}, cache rate ${judgedRate}`,
          measure: "p99 in ms",
          figure: median("p99"),
          bound: "at most" as const,
          target: targetP99Ms,
        })),
      { what, measure: "faults at all cache rates", figure: faults, bound: "at most", target: 0 },
    ],
  };
}
