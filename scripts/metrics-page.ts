import {
  type Aggregation,
  type MetricDefinition,
  metricTable,
  rejectionReasons,
} from "../service/src/telemetry/metric-table.ts";

const begin = "<!-- pnpm metrics: from here -->";
const end = "<!-- pnpm metrics: to here -->";

const sections: readonly (readonly [title: string, prefix: RegExp])[] = [
  ["Requests", /^http_/],
  ["Predictions and cache", /^prediction_(?!drift_)/],
  ["Drift", /^prediction_drift_/],
  ["The process", /^(?:nodejs|process)_/],
];

/** What several processes show together, where it is not the sum. */
const combinations: Readonly<Record<Aggregation, string>> = {
  sum: "",
  max: "the largest value of all processes",
  min: "the smallest value of all processes",
  first: "",
};

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function describeMetric([name, metric]: readonly [string, MetricDefinition]): string {
  const { type, unit, help, labels, buckets, processes } = metric;
  const details = [
    ...Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`),
    buckets ? `buckets up to ${buckets.join(", ")}` : "",
    combinations[processes],
  ].filter((detail) => detail !== "");
  return row([`\`${name}\``, type, unit, [help, ...details].join("<br>")]);
}

function tables(): string[] {
  const metrics = Object.entries(metricTable);
  const parts = sections.flatMap(([title, prefix]) => [
    `### ${title}`,
    [
      row(["metric", "type", "unit", "what it is"]),
      row(["---", "---", "---", "---"]),
      ...metrics.filter(([name]) => prefix.test(name)).map(describeMetric),
    ].join("\n"),
  ]);
  const reasons = Object.entries(rejectionReasons).map(([reason, meaning]) =>
    row([`\`${reason}\``, meaning]),
  );
  return [
    ...parts,
    "### Reasons",
    "The values of `reason` in `http_requests_rejected_total`:",
    [row(["reason", "response"]), row(["---", "---"]), ...reasons].join("\n"),
  ];
}

/**
 * Replaces the generated part of `docs/metrics.md`.
 *
 * @throws {Error} if the page does not mark that part
 */
export function withMetricTables(page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/metrics.md lacks ${begin} or ${end}`);
  return [`${before}${begin}`, ...tables(), `${end}${after}`].join("\n\n");
}
