import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { withGenerated } from "../../../scripts/generated-page.ts";
import type { Scenario } from "../scenario.ts";
import { chartSvg } from "./charts.ts";
import { rowTable, type Table, tableText } from "./tables.ts";

const Results = z.array(
  z.object({
    name: z.string(),
    date: z.iso.date(),
    machine: z.string(),
    rows: z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
  }),
);
/** The results of a scenario, with the date and the machine. */
export type Result = z.infer<typeof Results>[number];

/** Writes the tables and charts of a checkout's documents, with new results if there are any. */
export async function writeDocuments(
  checkout: string,
  scenarios: readonly Scenario[],
  results: readonly Result[],
): Promise<void> {
  const read = (path: string) => readFileSync(join(checkout, path), "utf8");
  const write = (path: string, text: string) => writeFileSync(join(checkout, path), text);
  const file = "docs/benchmarks/results.json";
  const all = [...results, ...Results.parse(JSON.parse(read(file)))];
  const kept = scenarios.flatMap((scenario) => {
    const result = all.find(({ name }) => name === scenario.name);
    return result ? [{ ...result, scenario }] : [];
  });
  write(file, `${JSON.stringify(Results.parse(kept), null, 1)}\n`);
  for (const { name, date, machine, rows, scenario } of kept) {
    const { charts = [], overview } = scenario;
    const measuredBy = `Measured by \`pnpm bench ${name}\` on ${date}: ${machine}.`;
    const update = (page: string, folder: string, table: Table) => {
      const images = charts.map((chart) => `![${chart.title}](${folder}/${chart.name}.svg)`);
      const parts = [tableText(table), ...images, measuredBy];
      write(page, withGenerated(read(page), `pnpm bench ${name} --write`, parts));
    };
    update("docs/benchmarks.md", "benchmarks", rowTable(scenario, rows));
    if (overview) update("README.md", "docs/benchmarks", overview(rows));
    for (const chart of charts) {
      write(`docs/benchmarks/${chart.name}.svg`, await chartSvg(chart, rows));
    }
  }
}
