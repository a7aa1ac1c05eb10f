import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { passes, sectionTable, verdictTable } from "./figures.ts";
import type { Section } from "./report.ts";
import { LeftOut, type Scenario } from "./scenario.ts";
import { print, progressOf, tableText } from "./terminal.ts";

/** In the order in which they are told; each is loaded when it runs. */
const scenarios: Readonly<Record<string, () => Promise<Scenario>>> = {
  bare: async () => (await import("./bare.ts")).bare,
  throughput: async () => (await import("./throughput.ts")).throughput,
  fastapi: async () => (await import("./fastapi.ts")).fastapi,
  course: async () => (await import("./course.ts")).course,
  "start-up": async () => (await import("./start-up.ts")).startUp,
  "long-lists": async () => (await import("./long-lists.ts")).longLists,
  inference: async () => (await import("./inference.ts")).inference(values.data),
  "frozen-redis": async () => (await import("./frozen-redis.ts")).frozenRedis,
};

/** @returns the sections of those that ran; a void run and what is left out are said on the way */
async function run(names: readonly string[]): Promise<Section[]> {
  const sections: Section[] = [];
  for (const name of names) {
    try {
      const scenario = await scenarios[name]?.();
      const section = await scenario?.(progressOf(name));
      if (section === undefined) continue;
      print(`\n${section.title}: pnpm bench ${name}\n\n${tableText(sectionTable(section))}`);
      sections.push(section);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof LeftOut) print(`\n${name} is left out: ${error.message}`);
      else {
        print(`\n${name}: ${error.stack}`);
        process.exitCode = 1;
      }
    }
  }
  return sections;
}

function printVerdicts(sections: readonly Section[]): void {
  const verdicts = sections.flatMap((section) => section.verdicts);
  if (verdicts.length === 0) return;
  const failed = verdicts.filter((verdict) => !passes(verdict)).length;
  print(`\n${tableText(verdictTable(sections))}\n\n${failed} of ${verdicts.length} FAIL`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, data: { type: "string" } },
});
const names = Object.keys(scenarios);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  print(`no scenario ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  const sections = await run(positionals.length > 0 ? positionals : names);
  printVerdicts(sections);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(sections, null, 2)}\n`);
  }
}
