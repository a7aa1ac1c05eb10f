import { describe, expect, test } from "vitest";
import { chartSvg } from "../src/charts.ts";
import { figureText, passes, verdictTable } from "../src/figures.ts";
import { withResults } from "../src/markdown.ts";
import type { Chart, Section, Verdict } from "../src/report.ts";
import { type Result, renewed } from "../src/results.ts";
import { tableText } from "../src/terminal.ts";

const verdict = (bound: Verdict["bound"], figure: number, target: number): Verdict => ({
  what: "ten houses",
  measure: "requests/s to bare Hono",
  ...{ figure, bound, target },
});

const section = (changes: Partial<Section> = {}): Section => ({
  name: "bare",
  title: "Against bare servers",
  about: "Who waits for whom.",
  columns: ["", "requests/s"],
  rows: [
    ["bare Hono", 36_812.4],
    ["a | b", "123 †"],
  ],
  charts: [],
  verdicts: [verdict("at least", 0.9, 0.85)],
  ...changes,
});

const result = (name: string, changes: Partial<Result> = {}): Result => ({
  section: section({ name }),
  date: "2026-12-31",
  machine: "two cores",
  ...changes,
});

const bars: Chart = {
  kind: "bars",
  name: "bare",
  title: "Hono & others",
  unit: "ms",
  scale: "log",
  labels: ["bare Hono"],
  series: [{ name: "service", values: [0.4] }],
};
const lines: Chart = {
  kind: "lines",
  name: "growth",
  title: "Growth",
  x: "houses",
  y: "ms",
  series: [
    {
      name: "miss",
      points: [
        [1, 0.2],
        [512, 40],
      ],
    },
  ],
};

describe("a figure", () => {
  test.each([
    [36_812.4, "36,800"],
    [0.47, "0.470"],
    [0.026_64, "0.0266"],
    [64, "64"],
    [1, "1"],
  ])("%d reads %s", (figure, text) => expect(figureText(figure)).toBe(text));
});

describe("a verdict", () => {
  test.each([
    ["at least", 0.85, 0.85, true],
    ["at least", 0.8499, 0.85, false],
    ["at most", 25, 25, true],
    ["at most", 25.01, 25, false],
  ] as const)("%s: %d to %d", (bound, figure, target, expected) => {
    expect(passes(verdict(bound, figure, target))).toBe(expected);
  });

  test.each([
    ["at least", 0.849_99, 0.85, ["0.849", "≥ 0.85", "FAIL"]],
    ["at most", 25.001, 25, ["25.1", "≤ 25", "FAIL"]],
  ] as const)("%s does not look better than it is", (bound, figure, target, cells) => {
    const { rows } = verdictTable([section({ verdicts: [verdict(bound, figure, target)] })]);

    expect(rows).toEqual([["ten houses", "requests/s to bare Hono", ...cells]]);
  });
});

test("on the terminal, figures stand right and text left", () => {
  const table = {
    columns: ["", "rate"],
    rows: [
      ["bare Hono", "36,800"],
      ["we", "9 †"],
    ],
  };

  expect(tableText(table)).toBe("             rate\nbare Hono  36,800\nwe            9 †");
});

describe("renewed results", () => {
  test("replace those of the same name, in the scenarios' order", () => {
    const before = [result("growth"), result("bare", { date: "2026-01-01" })];

    const all = renewed(before, [result("bare"), result("memory")], ["bare", "memory", "growth"]);

    expect(all).toEqual([result("bare"), result("memory"), result("growth")]);
  });

  test("leave out what is no scenario any more", () => {
    expect(renewed([result("cache")], [result("bare")], ["bare"])).toEqual([result("bare")]);
  });
});

describe("the document", () => {
  const document = [
    "# Benchmarks",
    "<!-- pnpm bench --write: from here -->",
    "old",
    "<!-- pnpm bench --write: to here -->",
    "## What was tried",
  ].join("\n");

  test("has the results between its marks, and the rest as it was", () => {
    const written = withResults(document, [
      result("bare", { section: section({ charts: [bars] }) }),
    ]);

    expect(written).toMatchInlineSnapshot(`
      "# Benchmarks
      <!-- pnpm bench --write: from here -->

      ## Verdicts

      | what | measure | figure | target | verdict |
      | --- | --- | --: | --: | --- |
      | ten houses | requests/s to bare Hono | 0.900 | ≥ 0.85 | PASS |

      ## The machine

      two cores.

      ## Against bare servers

      \`pnpm bench bare\`, 2026-12-31

      Who waits for whom.

      |  | requests/s |
      | --- | --: |
      | bare Hono | 36,800 |
      | a \\| b | 123 † |

      ![Hono & others](benchmarks/bare.svg)

      <!-- pnpm bench --write: to here -->
      ## What was tried"
    `);
    expect(withResults(written, [result("bare")])).toBe(withResults(document, [result("bare")]));
  });

  test("names the machine of each section where they differ", () => {
    const written = withResults(document, [
      result("bare"),
      result("memory"),
      result("growth", { machine: "four cores" }),
    ]);

    expect(written).toContain("- bare, memory: two cores\n- growth: four cores");
  });

  test("must have the marks", () => {
    expect(() => withResults("# Benchmarks", [])).toThrow("lacks <!-- pnpm bench --write: from");
  });
});

describe.each([bars, lines])("a chart of $kind", (chart) => {
  test("has a title for those who don't see it, and a white ground", () => {
    const svg = chartSvg(chart);

    expect(svg).toMatch(/^<svg role="img" [^>]*><title>(Hono &amp; others|Growth)<\/title>/);
    expect(svg).toContain('fill="#ffffff"');
  });

  test("is the same for the same figures", () => {
    expect(chartSvg(chart)).toBe(chartSvg(chart));
  });
});
