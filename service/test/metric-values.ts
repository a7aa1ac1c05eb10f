import type { MetricName } from "../src/telemetry/metric-table.ts";
import type { Metrics } from "../src/telemetry/metrics.ts";

/**
 * The values of a metric by their labels, such as `get timeout`, except zeros. Those of histograms
 * are `count get` and `sum get`.
 */
export function valuesOf(metrics: Metrics, name: MetricName): Record<string, number> {
  const report = metrics.report().find((each) => each.name === name);
  const samples = (report?.values ?? []).filter(
    ({ value, metricName }) => value !== 0 && !metricName?.endsWith("_bucket"),
  );
  return Object.fromEntries(
    samples.map(({ labels, value, metricName }) => {
      const part = metricName?.replace(`${name}_`, "");
      return [[part, ...Object.values(labels)].filter(Boolean).join(" "), value];
    }),
  );
}
