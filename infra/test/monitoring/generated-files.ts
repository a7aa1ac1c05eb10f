import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const monitoring = join(import.meta.dirname, "../../monitoring");

/** The path of the committed rules. */
export const rulesFile = join(monitoring, "rules.yaml");

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          record: z.string().optional(),
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.record(z.string(), z.string()).default({}),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

/** Names an alert. There may be one per window. */
export const titleOf = (alert: string, { window }: Readonly<Record<string, string>>) =>
  window === undefined ? alert : `${alert} over ${window}`;

/** Returns the committed recording and alerting rules. */
export function readRules() {
  const { groups } = Rules.parse(parse(readFileSync(rulesFile, "utf8")));
  const rules = groups.flatMap((group) => group.rules);
  return rules.map((rule) => {
    const title = rule.alert === undefined ? rule.record : titleOf(rule.alert, rule.labels);
    return { ...rule, title };
  });
}

const Dashboard = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      description: z.string().optional(),
      type: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      fieldConfig: z
        .object({
          defaults: z.object({
            unit: z.string().optional(),
            thresholds: z
              .object({ steps: z.array(z.object({ value: z.number().nullable() })) })
              .optional(),
          }),
        })
        .optional(),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
    }),
  ),
});

/** Returns the committed dashboard's panels and rows, in the order in which Grafana shows them. */
export function readPanels() {
  return Dashboard.parse(JSON.parse(readFileSync(join(monitoring, "dashboard.json"), "utf8")))
    .panels;
}

/** Replaces Grafana's variables as Grafana does if everything is selected. */
export function withoutVariables(query: string, rateInterval = "5m"): string {
  return query
    .replaceAll("$__rate_interval", rateInterval)
    .replaceAll("$namespace", ".*")
    .replaceAll("$instance", ".*");
}
