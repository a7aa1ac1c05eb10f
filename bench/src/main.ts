import { parseArgs } from "node:util";
import { passes, sectionTable, verdictTable } from "./figures.ts";
import type { Section } from "./report.ts";
import { measuredNow, type Result, writeResults } from "./results.ts";
import { LeftOut, type Scenario } from "./scenario.ts";
import { print, progressOf, tableText } from "./terminal.ts";

/** In the order in which they are told; each is loaded when it runs. */
const scenarios: Readonly<Record<string, () => Promise<Scenario>>> = {
  bare: async () => (await import("./bare.ts")).bare,
  throughput: async () => (await import("./throughput.ts")).throughput,
  fastapi: async () => (await import("./fastapi.ts")).fastapi,
  "long-lists": async () => (await import("./long-lists.ts")).longLists,
  "tail-latency": async () => (await import("./tail-latency.ts")).tailLatency,
  course: async () => (await import("./course.ts")).course,
  "start-up": async () => (await import("./start-up.ts")).startUp,
  memory: async () => (await import("./memory.ts")).memory,
  "growth-houses": async () => (await import("./growth-houses.ts")).growthHouses,
  "growth-clients": async () => (await import("./growth-clients.ts")).growthClients,
  capacity: async () => (await import("./capacity.ts")).capacity,
  inference: async () => (await import("./inference.ts")).inference(values.data),
  "frozen-redis": async () => (await import("./frozen-redis.ts")).frozenRedis,
  hostile: async () =>
    (await import("./hostile/hostile.ts")).hostile({
      names: hostileNames,
      fuzzed: Number(values.fuzz),
      seed: Number(values.seed),
      seconds: Number(values.seconds),
    }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    write: { type: "boolean", default: false },
    data: { type: "string" },
    fuzz: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "3" },
  },
});
/** After `hostile` come the bodies to send. */
const hostileAt = positionals.indexOf("hostile");
const hostileNames = hostileAt < 0 ? [] : positionals.splice(hostileAt + 1);

/** @returns nothing where it is left out or void, which is said */
async function run(name: string): Promise<Section | undefined> {
  try {
    const scenario = await scenarios[name]?.();
    return await scenario?.(progressOf(name));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof LeftOut) print(`\n${name} is left out: ${error.message}`);
    else {
      print(`\n${name}: ${error.stack}`);
      process.exitCode = 1;
    }
    return undefined;
  }
}

function printVerdicts(sections: readonly Section[]): void {
  const verdicts = sections.flatMap((section) => section.verdicts);
  if (verdicts.length === 0) return;
  const failed = verdicts.filter((verdict) => !passes(verdict)).length;
  print(`\n${tableText(verdictTable(sections))}\n\n${failed} of ${verdicts.length} FAIL`);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
const all = Object.keys(scenarios);

async function main(names: readonly string[]): Promise<void> {
  const results: Result[] = [];
  for (const name of names) {
    const section = await run(name);
    if (section === undefined) continue;
    print(`\n${section.title}: pnpm bench ${name}\n\n${tableText(sectionTable(section))}`);
    results.push(measuredNow(section));
    if (values.write) (await import("./documents.ts")).writeDocuments(results, all);
  }
  printVerdicts(results.map(({ section }) => section));
  if (values.json !== undefined) writeResults(values.json, results);
}

const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no scenario ${unknown.join(", ")}; there are: ${all.join(", ")}\n`);
  process.exitCode = 2;
} else await main(positionals.length > 0 ? positionals : all);
