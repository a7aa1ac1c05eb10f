import {
  type Aggregation,
  type MetricDefinition,
  metricTable,
  rejectionReasons,
} from "../service/src/telemetry/metric-table.ts";
import { tableRow, withGenerated } from "./generated-page.ts";

const sections: readonly (readonly [title: string, prefix: RegExp])[] = [
  ["Requests", /^http_/],
  ["Predictions and cache", /^prediction_(?!drift_)/],
  ["Drift", /^prediction_drift_/],
  ["The process", /^(?:nodejs|process)_/],
];

/** How the values of several processes are combined, if they are not added up. */
const combinations: Readonly<Record<Aggregation, string>> = {
  sum: "",
  max: "the largest value of all processes",
  min: "the smallest value of all processes",
  first: "",
};

function describeMetric([name, metric]: readonly [string, MetricDefinition]): string {
  const { type, unit, help, labels, buckets, processes } = metric;
  const details = [
    ...Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`),
    buckets ? `buckets up to ${buckets.join(", ")}` : "",
    combinations[processes],
  ].filter((detail) => detail !== "");
  return tableRow([`\`${name}\``, type, unit, [help, ...details].join("<br>")]);
}

function tables(): string[] {
  const metrics = Object.entries(metricTable);
  const parts = sections.flatMap(([title, prefix]) => [
    `### ${title}`,
    [
      tableRow(["metric", "type", "unit", "what it is"]),
      tableRow(["---", "---", "---", "---"]),
      ...metrics.filter(([name]) => prefix.test(name)).map(describeMetric),
    ].join("\n"),
  ]);
  const reasons = Object.entries(rejectionReasons).map(([reason, meaning]) =>
    tableRow([`\`${reason}\``, meaning]),
  );
  return [
    ...parts,
    "### Reasons",
    "The values of `reason` in `http_requests_rejected_total`:",
    [tableRow(["reason", "response"]), tableRow(["---", "---"]), ...reasons].join("\n"),
  ];
}

/**
 * Replaces the generated part of `docs/metrics.md`.
 *
 * @throws {Error} if the page does not mark that part
 */
export function withMetricTables(page: string): string {
  return withGenerated(page, "pnpm metrics", tables());
}
