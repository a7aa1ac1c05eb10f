import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { tableRow, withGenerated } from "../../../scripts/generated-page.ts";
import type { Scenario } from "../scenario.ts";
import { chartSvg } from "./charts.ts";
import { isFigures, rowTable, type Table } from "./tables.ts";

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

function tableMarkdown(table: Table): string {
  const rules = table.columns.map((_, column) => (isFigures(table, column) ? "--:" : "---"));
  return [table.columns, rules, ...table.rows].map(tableRow).join("\n");
}

function section(scenario: Scenario, result: Result, table: Table, folder: string): string {
  const { title, about, charts = [] } = scenario;
  const images = charts.map((chart) => `![${chart.title}](${folder}/${chart.name}.svg)`);
  const { name, date, machine } = result;
  const measuredBy = `Measured by \`pnpm bench ${name}\` on ${date}: ${machine}.`;
  return [`## ${title}`, about, tableMarkdown(table), ...images, measuredBy].join("\n\n");
}

/** Writes the first paragraph, the overview, the first chart, and a link to the whole section. */
function overview(scenario: Scenario, result: Result, table: Table): string {
  const { title, about, charts } = scenario;
  const [summary = ""] = about.split("\n\n");
  const short = { ...scenario, about: summary, charts: charts?.slice(0, 1) ?? [] };
  const anchor = title.toLowerCase().replaceAll(" ", "-");
  const details = `[All figures and differences](docs/benchmarks.md#${anchor}).`;
  return `${section(short, result, table, "docs/benchmarks")} ${details}`;
}

function writeSections(path: string, sections: readonly string[]): void {
  const page = readFileSync(path, "utf8");
  writeFileSync(path, withGenerated(page, "pnpm bench --write", sections));
}

/**
 * Writes new results to `README.md`, `docs/benchmarks.md` and `docs/benchmarks/` of a checkout, and
 * keeps the results of other scenarios. Without new results, writes the pages and charts again.
 */
export function writeDocuments(
  folder: string,
  scenarios: readonly Scenario[],
  results: readonly Result[],
): void {
  const charts = join(folder, "docs/benchmarks");
  const file = join(charts, "results.json");
  const all = [...results, ...Results.parse(JSON.parse(readFileSync(file, "utf8")))];
  const kept = scenarios.flatMap((scenario) => {
    const result = all.find(({ name }) => name === scenario.name);
    return result === undefined ? [] : [{ scenario, result }];
  });
  const sections = kept.map(({ scenario, result }) =>
    section(scenario, result, rowTable(scenario, result.rows), "benchmarks"),
  );
  writeSections(join(folder, "docs/benchmarks.md"), sections);
  const overviews = kept.flatMap(({ scenario, result }) => {
    const table = scenario.overview?.(result.rows);
    return table ? [overview(scenario, result, table)] : [];
  });
  writeSections(join(folder, "README.md"), overviews);
  const written = Results.parse(kept.map(({ result }) => result));
  writeFileSync(file, `${JSON.stringify(written, null, 1)}\n`);
  for (const name of globSync("*.svg", { cwd: charts })) rmSync(join(charts, name));
  for (const { scenario, result } of kept) {
    for (const chart of scenario.charts ?? []) {
      writeFileSync(join(charts, `${chart.name}.svg`), chartSvg(chart, result.rows));
    }
  }
}
