import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type MetricDefinition,
  type MetricName,
  metricTable,
} from "../../../service/src/telemetry/metric-table.ts";
import { files } from "../../monitoring/files.ts";
import { readPanels, readRules, rulesFile, withoutVariables } from "./generated-files.ts";
import { prometheusTest } from "./prometheus.ts";
import { type Reference, referencesOf } from "./promql.ts";

const rules = readRules();
const targets = readPanels().flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr: withoutVariables(expr), legendFormat })),
);

const isMetric = (name: string): name is MetricName => name in metricTable;
const targetLabels = ["job", "namespace", "instance"];

/** Returns the labels of a series that Prometheus can have; undefined if there is no such series. */
function labelsOf(series: string): readonly string[] | undefined {
  if (series === "up") return targetLabels;
  if (rules.some(({ record }) => record === series)) return ["namespace"];
  const [, base = series, part] = /^(.*)(_bucket|_sum|_count)$/.exec(series) ?? [];
  const isHistogram =
    part !== undefined && isMetric(base) && metricTable[base].type === "histogram";
  const name = isHistogram ? base : series;
  if (!isMetric(name)) return undefined;
  const { type, labels }: MetricDefinition = metricTable[name];
  // Only the parts of a histogram are series.
  if ((type === "histogram") !== isHistogram) return undefined;
  return [...targetLabels, ...Object.keys(labels), ...(part === "_bucket" ? ["le"] : [])];
}

/** Returns what is wrong with the metrics and labels of a query. */
function faultsOf(query: string): string[] {
  return referencesOf(query).flatMap(({ metric, labels }: Reference) => {
    const known = labelsOf(metric);
    if (known === undefined) return [`${metric} is not in the metric table`];
    const unknown = labels.filter((label) => !known.includes(label));
    return unknown.map((label) => `${metric} has no label ${label}`);
  });
}

test.for(files.map(({ path, content }) => [basename(path), path, content] as const))(
  "%s is what pnpm monitoring writes",
  ([, path, content]) => {
    expect(readFileSync(path, "utf8")).toBe(content);
  },
);

describe("faultsOf", () => {
  test.each([
    ["sum(rate(http_request_total[5m]))", "http_request_total is not in the metric table"],
    ["http_request_duration_seconds", "http_request_duration_seconds is not in the metric table"],
    ["http_requests_total_sum", "http_requests_total_sum is not in the metric table"],
    [`up == 1 and http_requests_total{code="200"} > 1`, "http_requests_total has no label code"],
    ["sum by (path) (http_requests_total)", "http_requests_total has no label path"],
    [
      "sum by (le) (prediction_inference_rows_sum)",
      "prediction_inference_rows_sum has no label le",
    ],
    [
      "http_requests_in_flight / on (zone) process_open_fds",
      "http_requests_in_flight has no label zone",
    ],
  ])("the query %s is wrong: %s", (query, fault) => {
    expect(faultsOf(query)).toContain(fault);
  });

  test("a text that is not a query throws a SyntaxError", () => {
    expect(() => faultsOf("sum by (route http_requests_total")).toThrow(SyntaxError);
  });
});

test.for(rules)("the rule $title refers only to metrics and labels that exist", (rule) => {
  expect(faultsOf(rule.expr)).toEqual([]);
});

test.for(targets)(
  'the panel "$title" refers only to metrics and labels that exist: $expr',
  ({ expr, legendFormat }) => {
    expect(faultsOf(expr)).toEqual([]);
    const [reference] = referencesOf(expr);
    for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      expect(reference?.labels).toContain(label);
    }
  },
);

test.for(Object.keys(metricTable))("the dashboard shows %s", (name) => {
  const shown = targets.flatMap(({ expr }) => referencesOf(expr).map(({ metric }) => metric));
  const parts = ["", "_bucket", "_sum", "_count"].map((part) => `${name}${part}`);
  expect(shown.filter((metric) => parts.includes(metric))).not.toEqual([]);
});

test("panels do not overlap and fit the width of the dashboard", () => {
  const cells = readPanels().flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from(
      { length: w * h },
      (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`,
    );
  });
  expect(new Set(cells).size).toBe(cells.length);
});

prometheusTest("promtool accepts the rules, and their names and labels", () => {
  const check = ["check", "rules", "--lint=all", "--lint-fatal", rulesFile];
  const printed = execFileSync("promtool", check, { encoding: "utf8" });
  expect(printed).toContain(`SUCCESS: ${rules.length} rules found`);
});
