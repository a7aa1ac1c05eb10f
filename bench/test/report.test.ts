import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkout } from "../src/houses.ts";
import { chartSvg } from "../src/report/charts.ts";
import { type Result, writeDocuments } from "../src/report/documents.ts";
import { figureText, judge, rowTable, tableText } from "../src/report/tables.ts";
import type { Chart, Scenario } from "../src/scenario.ts";
import { scenarios } from "../src/scenarios.ts";

const scenario = (changes: Partial<Scenario> = {}): Scenario => ({
  name: "bare",
  title: "Compared with bare servers",
  about: "64 clients.",
  columns: ["server", "requests/s", "p99 ms"],
  measure: async () => [],
  ...changes,
});
const rows = [
  { server: "bare Hono", "requests/s": 36_812.4, secret: 1 },
  { server: "a | b", "requests/s": 123 },
];

test.each([
  [36_812.4, "36,800"],
  [0.47, "0.470"],
  [0.026_64, "0.0266"],
])("the figure %d is written as %s", (figure, text) => expect(figureText(figure)).toBe(text));

test("a table has only the columns for which there are figures", () => {
  expect(tableText(rowTable(scenario(), rows))).toBe(
    "server     requests/s\nbare Hono      36,800\na | b             123",
  );
});

test.each([
  [{ atLeast: 123 }, "PASS  requests/s: 123 ≥ 123  (a | b)"],
  [{ atLeast: 123.4 }, "FAIL  requests/s: 123 ≥ 123.4  (a | b)"],
  [{ atMost: 36_812.4 }, "PASS  requests/s: 36,900 ≤ 36812.4  (bare Hono)"],
  [{ atMost: 36_800 }, "FAIL  requests/s: 36,900 ≤ 36800  (bare Hono)"],
  [{ atMost: 200, where: { server: "a | b" } }, "PASS  requests/s: 123 ≤ 200  (a | b)"],
])("the target %j is compared with the worst figure", (target, line) => {
  const judged = scenario({ targets: [{ column: "requests/s", ...target }] });

  expect(judge(judged, rows)).toEqual([line]);
});

test("a target is left out if its figure was not measured", () => {
  expect(judge(scenario({ targets: [{ column: "p99 ms", atMost: 1 }] }), rows)).toEqual([]);
});

const chart: Chart = {
  name: "bare",
  title: "Hono & others",
  group: "server",
  figures: ["requests/s"],
};
const svg = chartSvg(chart, rows);

test("a chart has a title for screen readers", () => {
  expect(svg).toMatch(/^<svg role="img" [^>]*>\n<title>Hono &amp; others<\/title>/);
});

test("a chart shows every label and figure within its width, however long they are", () => {
  const long = "a label that is much longer than any other label of the benchmarks";
  const drawn = chartSvg(chart, [{ server: long, "requests/s": 1_234_567 }]);

  const [, x] = new RegExp(`<text x="([\\d.]+)" [^>]*text-anchor="end">${long}`).exec(drawn) ?? [];
  expect(Number(x)).toBeGreaterThan(long.length * 7);
  const [, end] = /<text x="([\d.]+)" y="\d+">1,230,000/.exec(drawn) ?? [];
  expect(Number(end)).toBeLessThan(860 - 9 * 7);
});

test("a chart with a logarithmic scale says so", () => {
  expect(svg).not.toContain("logarithmic");
  expect(chartSvg({ ...chart, isLogarithmic: true }, rows)).toContain(
    "requests/s, logarithmic scale",
  );
});

const written = ["README.md", "docs/benchmarks.md", "docs/benchmarks"];
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "bench-documents-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of written) {
    cpSync(join(checkout, path), join(folder, path), { recursive: true });
  }
  return folder;
}
const read = (folder: string, path: string) => readFileSync(join(folder, path), "utf8");
const page = (folder: string) => read(folder, "docs/benchmarks.md");
const result: Result = { name: "bare", date: "2026-12-31", machine: "two cores", rows };

test("the committed documents show the committed results", () => {
  const folder = copy();

  writeDocuments(folder, scenarios, []);

  expect(page(folder)).not.toMatch(/PASS|FAIL/);
  const files = readdirSync(join(checkout, "docs/benchmarks"));
  expect(readdirSync(join(folder, "docs/benchmarks"))).toEqual(files);
  const charts = files.map((name) => join("docs/benchmarks", name));
  for (const path of ["README.md", "docs/benchmarks.md", ...charts]) {
    expect(read(folder, path)).toBe(read(checkout, path));
  }
});

test("the documents get new results, and keep the others", () => {
  const folder = copy();

  writeDocuments(folder, scenarios, [result]);

  expect(page(folder)).toContain("| a \\| b |");
  expect(page(folder)).toContain("Measured by `pnpm bench bare` on 2026-12-31: two cores.");
  expect(page(folder)).toContain("\n## Throughput\n");
});

test("the documents have an overview in the README, if the scenario has one", () => {
  const folder = copy();
  const overview = () => ({ columns: ["server"], rows: [["Robyn"]] });
  const charts = [{ name: "bare", title: "Bare", group: "server", figures: ["requests/s"] }];

  const about = "64 clients.\n\n- **Details.** More.";

  writeDocuments(folder, [scenario({ about, overview, charts })], [result]);

  expect(read(folder, "README.md")).toContain(
    "64 clients.\n\n| server |\n| --- |\n| Robyn |\n\n![Bare](docs/benchmarks/bare.svg)\n\nMeasured by",
  );
  expect(read(folder, "README.md")).toContain("(docs/benchmarks.md#compared-with-bare-servers).");
  expect(page(folder)).not.toContain("Robyn");
  expect(page(folder)).toContain("- **Details.** More.");
});

test("the documents lose the results and charts of a removed scenario", () => {
  const folder = copy();

  writeDocuments(folder, [scenario()], [result]);

  expect(readdirSync(join(folder, "docs/benchmarks"))).toEqual(["results.json"]);
  expect(page(folder)).not.toContain("## Throughput");
});
