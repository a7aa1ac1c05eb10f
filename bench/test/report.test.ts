import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkout } from "../src/houses.ts";
import { chartSvg } from "../src/report/charts.ts";
import { type Result, writeDocuments } from "../src/report/documents.ts";
import { cellText, judge, rowTable, tableText } from "../src/report/tables.ts";
import type { Chart, Scenario } from "../src/scenario.ts";
import { scenarios } from "../src/scenarios.ts";

const measure = async () => [];
const scenario: Scenario = { name: "peers", columns: ["server", "requests/s", "p99 ms"], measure };
const rows = [
  { server: "bare Hono", from: "memory", "requests/s": 36_812.4, secret: 1 },
  { server: "a | b", from: "memory", "requests/s": 123 },
];

test.each([
  [36_812.4, "36,800"],
  [0.47, "0.470"],
  [0.026_64, "0.0266"],
  [2, "2"],
  ["a label", "a label"],
])("the cell %j is written as %s", (cell, text) => expect(cellText(cell)).toBe(text));

test("a table has only the columns for which there are figures", () => {
  expect(tableText(rowTable(scenario, rows)).split("\n")).toEqual([
    "| server    | requests/s |",
    "| --------- | ---------: |",
    "| bare Hono |     36,800 |",
    "| a \\| b    |        123 |",
  ]);
});

test.each([
  [{ atLeast: 123 }, "PASS  requests/s: 123 ≥ 123  (a | b)"],
  [{ atLeast: 123.4 }, "FAIL  requests/s: 123 ≥ 123.4  (a | b)"],
  [{ atMost: 36_812.4 }, "PASS  requests/s: 36812.4 ≤ 36812.4  (bare Hono)"],
  [{ atMost: 36_812.3 }, "FAIL  requests/s: 36812.4 ≤ 36812.3  (bare Hono)"],
  [{ atMost: 200, where: { server: "a | b" } }, "PASS  requests/s: 123 ≤ 200  (a | b)"],
])("the target %j is compared with the worst figure, if it was measured", (target, line) => {
  const notMeasured = { column: "p99 ms", atMost: 1 };
  const targets = [{ column: "requests/s", ...target }, notMeasured];

  expect(judge({ ...scenario, targets }, rows)).toEqual([line]);
});

const columns = { group: "server", series: "from", figure: "requests/s" };
const chart: Chart = { name: "bare", title: "Hono & others", ...columns };

test("a chart shows its title, its scale, and the labels and figures of all bars", async () => {
  const linear = await chartSvg(chart, rows);
  const logarithmic = await chartSvg({ ...chart, isLogarithmic: true }, rows);

  for (const text of ["Hono &amp; others", "requests/s", "bare Hono", "a | b", "36,800", "123"]) {
    expect(linear).toContain(`>${text}</text>`);
  }
  expect(logarithmic).toContain(">requests/s, logarithmic scale</text>");
});

test("a chart is wide enough for its labels, however long they are", async () => {
  const [short, long] = await Promise.all(
    [10, 70].map((length) => chartSvg(chart, [{ server: "m".repeat(length), "requests/s": 1 }])),
  );

  const widthOf = (svg = "") => Number(/width="(\d+)/.exec(svg)?.[1]);
  expect(widthOf(long) - widthOf(short)).toBeGreaterThan(60 * 7);
});

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "bench-documents-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of ["README.md", "docs/benchmarks.md", "docs/benchmarks"]) {
    cpSync(join(checkout, path), join(folder, path), { recursive: true });
  }
  return folder;
}
const read = (folder: string, path: string) => readFileSync(join(folder, path), "utf8");
const result: Result = { name: "peers", date: "2026-12-31", machine: "two cores", rows };

test("the committed documents show the committed results", async () => {
  const folder = copy();

  await writeDocuments(folder, scenarios, []);

  const files = readdirSync(join(checkout, "docs/benchmarks"));
  const names = scenarios.flatMap(({ charts = [] }) => charts.map(({ name }) => `${name}.svg`));
  expect(files.toSorted()).toEqual([...names, "results.json"].toSorted());
  const charts = files.map((name) => join("docs/benchmarks", name));
  for (const path of ["README.md", "docs/benchmarks.md", ...charts]) {
    expect(read(folder, path)).toBe(read(checkout, path));
  }
});

test("the documents get new results, and keep the others", async () => {
  const folder = copy();
  const peers = { ...scenario, overview: () => [["server"], ["Granian"]] };

  await writeDocuments(folder, [...scenarios.slice(1), peers], [result]);

  const page = read(folder, "docs/benchmarks.md");
  expect(page).toContain("| a \\| b    |        123 |\n\nMeasured by `pnpm bench peers`");
  expect(page).toContain("Measured by `pnpm bench throughput` on ");
  expect(read(folder, "README.md")).toContain("| ------- |\n| Granian |\n\nMeasured by");
});
