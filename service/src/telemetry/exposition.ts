import { AggregatorRegistry, type RegistryContentType } from "prom-client";
import type { MetricReport } from "./metrics.ts";

/** A format of `/metrics`. */
export type MetricsFormat = "text" | "openmetrics";

/** The media types of the formats. */
export const contentTypes: Readonly<Record<MetricsFormat, RegistryContentType>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** In OpenMetrics, only the samples of a counter end in `_total`, and prom-client adds it there. */
function inFormat(report: MetricReport, format: MetricsFormat): MetricReport {
  if (format === "text" || report.type !== "counter") return report;
  return { ...report, name: report.name.replace(/_total$/, "") };
}

/** Writes the sum of the reports of several processes. */
export function writeMetrics(
  reports: readonly (readonly MetricReport[])[],
  format: MetricsFormat,
): Promise<string> {
  const registry = AggregatorRegistry.aggregate<RegistryContentType>(
    reports.map((report) => report.map((metric) => inFormat(metric, format))),
  );
  registry.setContentType(contentTypes[format]);
  return registry.metrics();
}
