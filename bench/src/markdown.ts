import { isFigures, sectionTable, type Table, verdictTable } from "./figures.ts";
import type { Result } from "./results.ts";

const row = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

function tableMarkdown(table: Table): string {
  const rules = table.columns.map((_, column) => (isFigures(table, column) ? "--:" : "---"));
  return [table.columns, rules, ...table.rows].map(row).join("\n");
}

function sectionMarkdown({ section, date }: Result): string {
  const charts = section.charts.map(({ name, title }) => `![${title}](benchmarks/${name}.svg)`);
  return [
    `## ${section.title}`,
    `\`pnpm bench ${section.name}\`, ${date}`,
    section.about,
    tableMarkdown(sectionTable(section)),
    ...charts,
  ].join("\n\n");
}

/** Each machine once, with what was measured on it. */
function machinesMarkdown(results: readonly Result[]): string {
  const machines = Map.groupBy(results, ({ machine }) => machine);
  if (machines.size === 1) return [...machines.keys()].map((machine) => `${machine}.`).join("");
  return Array.from(machines, ([machine, measured]) => {
    const names = measured.map(({ section }) => section.name).join(", ");
    return `- ${names}: ${machine}`;
  }).join("\n");
}

/** What the results say: all verdicts, the machine, and each section with its table and charts. */
function resultsMarkdown(results: readonly Result[]): string {
  return [
    "## Verdicts",
    tableMarkdown(verdictTable(results.map(({ section }) => section))),
    "## The machine",
    machinesMarkdown(results),
    ...results.map(sectionMarkdown),
  ].join("\n\n");
}

const begin = "<!-- pnpm bench --write: from here -->";
const end = "<!-- pnpm bench --write: to here -->";

/**
 * Replaces the generated part of a document.
 *
 * @throws where the document has no place for it
 */
export function withResults(document: string, results: readonly Result[]): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`the document lacks ${begin} or ${end}`);
  return `${before}${begin}\n\n${resultsMarkdown(results)}\n\n${end}${after}`;
}
