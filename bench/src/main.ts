import { againstBare } from "./against-bare.ts";
import { cacheTiers } from "./cache-tiers.ts";
import { frozenRedis } from "./frozen-redis.ts";
import type { Pace } from "./race.ts";

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** A row each, compared with the one whose name ends in `baseline`. */
function printPaces(paces: readonly Pace[], baseline: string): void {
  const base = paces.find(({ name }) => name.endsWith(baseline))?.requestsPerSecond ?? Number.NaN;
  for (const { name, requestsPerSecond, cpuMsPerRequest } of paces) {
    const columns = [
      `${Math.round(requestsPerSecond)} requests/s`.padStart(18),
      `${cpuMsPerRequest.toFixed(4)} CPU ms`.padStart(16),
      `${(requestsPerSecond / base).toFixed(2)} × ${baseline}`.padStart(18),
    ];
    print(name.padEnd(30) + columns.join(""));
  }
}

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  async cache() {
    for (const houses of [10, 1000]) printPaces(await cacheTiers(houses, print), "miss");
  },

  async bare() {
    printPaces(await againstBare(print), "bare Hono");
  },

  async "frozen-redis"() {
    const seconds = 20;
    const result = await frozenRedis(seconds);
    print(`median before:      ${result.medianBefore.toFixed(2)} ms`);
    print(`median while frozen: ${result.medianAfter.toFixed(2)} ms`);
    print(`slowest while frozen: ${result.slowest.toFixed(1)} ms`);
    print(`over 25 ms: ${result.slow} of ${result.requests} requests in ${seconds} s`);
  },
};

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(scenarios)) {
  const run = scenarios[name];
  if (run === undefined) {
    throw new Error(`no scenario ${name}; there are: ${Object.keys(scenarios).join(", ")}`);
  }
  await run();
}
