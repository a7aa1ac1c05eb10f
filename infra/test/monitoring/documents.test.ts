import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { job } from "../../monitoring/queries.ts";
import { readPanels, readRules } from "./generated-files.ts";
import { prometheusTest } from "./prometheus.ts";
import { referencesOf } from "./promql.ts";

const documents = join(import.meta.dirname, "../../../docs");
const page = readFileSync(join(documents, "monitoring.md"), "utf8");
const alerts = readRules().filter(({ alert }) => alert !== undefined);

/** Returns the YAML block that begins with a key. */
function yamlBlock(key: string): string {
  const [, block] = new RegExp(`\`\`\`yaml\\n(${key}:\\n[\\s\\S]*?)\`\`\``).exec(page) ?? [];
  if (block === undefined) throw new Error(`docs/monitoring.md has no YAML with ${key}`);
  return block;
}

test.for(alerts)("docs/monitoring.md explains $title", ({ alert, labels, annotations }) => {
  expect(annotations).toMatchObject({ runbook: `docs/monitoring.md#${alert?.toLowerCase()}` });
  expect(page).toMatch(new RegExp(`^### ${alert}$`, "m"));
  const row = new RegExp(`^\\| \\[${alert}\\]\\S+ \\| ([^|]+) \\|`, "m");
  const { severity } = labels;
  expect(row.exec(page)?.[1]?.split(", ")).toContain(severity);
});

test("docs/dashboard.svg shows every panel: pnpm picture:dashboard draws it", () => {
  const picture = readFileSync(join(documents, "dashboard.svg"), "utf8");
  for (const { title } of readPanels()) expect(picture).toContain(`>${title}</text>`);
});

prometheusTest("promtool accepts the scrape configuration in docs/monitoring.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "scrape-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "prometheus.yml");
  const config = yamlBlock("scrape_configs");
  // Debian's Prometheus can't ask Kubernetes.
  const discovery = "kubernetes_sd_configs:\n      - role: pod";
  expect(config).toContain(discovery);
  writeFileSync(file, config.replace(discovery, "static_configs: []"));
  const printed = execFileSync("promtool", ["check", "config", file], { encoding: "utf8" });
  expect(printed).toContain("SUCCESS");
  expect(config).toContain(`replacement: ${job}\n        target_label: job\n`);
});

const AdapterRules = z.object({
  rules: z.tuple([
    z.object({
      seriesQuery: z.string(),
      name: z.object({ matches: z.string(), as: z.string() }),
      metricsQuery: z.string(),
    }),
  ]),
});

test("the rule for prometheus-adapter in docs/monitoring.md provides the metric of the autoscaler", () => {
  const [{ seriesQuery, name, metricsQuery }] = AdapterRules.parse(parse(yamlBlock("rules"))).rules;
  const [series] = referencesOf(seriesQuery);
  const offered = series?.metric.replace(new RegExp(name.matches), name.as.replace(/[{}]/g, ""));
  expect(offered).toBe("http_requests_per_second");
  const query = metricsQuery
    .replace("<<.GroupBy>>", "pod")
    .replace("<<.Series>>", String(series?.metric))
    .replace("<<.LabelMatchers>>", `namespace="w255"`);
  expect(referencesOf(query)).toEqual([
    { metric: "http_requests_total", labels: ["pod", "namespace"] },
  ]);
});
