import { againstBare } from "./against-bare.ts";
import { cacheTiers } from "./cache-tiers.ts";
import { frozenRedis } from "./frozen-redis.ts";

const print = (line: string) => void process.stdout.write(`${line}\n`);

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  async cache() {
    for (const houses of [10, 1000]) {
      const rows = await cacheTiers(houses, print);
      for (const { scenario, requestsPerSecond, ratio } of rows) {
        const rate = String(Math.round(requestsPerSecond)).padStart(8);
        print(`${scenario.padEnd(28)}${rate} requests/s ${ratio.toFixed(2).padStart(8)} × miss`);
      }
    }
  },

  async bare() {
    const paces = await againstBare(print);
    const [, hono] = paces;
    for (const { name, requestsPerSecond, cpuMsPerRequest } of paces) {
      const ratio = requestsPerSecond / (hono?.requestsPerSecond ?? Number.NaN);
      const columns = [
        `${Math.round(requestsPerSecond)} requests/s`.padStart(18),
        `${cpuMsPerRequest.toFixed(4)} CPU ms`.padStart(16),
        `${ratio.toFixed(2)} × bare Hono`.padStart(18),
      ];
      print(name.padEnd(30) + columns.join(""));
    }
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
