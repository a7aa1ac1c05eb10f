import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartSvg } from "./charts.ts";
import { withResults } from "./markdown.ts";
import { type Result, readResults, renewed, writeResults } from "./results.ts";

const document = join(import.meta.dirname, "../../docs/benchmarks.md");
const folder = join(import.meta.dirname, "../../docs/benchmarks");
const resultsFile = join(folder, "results.json");

/**
 * Renews what the documentation says of these sections, and keeps the rest.
 *
 * @param order of all sections' names
 */
export function writeDocuments(results: readonly Result[], order: readonly string[]): void {
  const all = renewed(readResults(resultsFile), results, order);
  writeResults(resultsFile, all);
  writeFileSync(document, withResults(readFileSync(document, "utf8"), all));

  for (const name of globSync("*.svg", { cwd: folder })) rmSync(join(folder, name));
  for (const chart of all.flatMap(({ section }) => section.charts)) {
    writeFileSync(join(folder, `${chart.name}.svg`), chartSvg(chart));
  }
}
