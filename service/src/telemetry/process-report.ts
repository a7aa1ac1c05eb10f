import type { DriftCounts, DriftWindow } from "./drift.ts";
import type { MetricReport, Metrics } from "./metrics.ts";

/** What one process has counted, as plain data. */
export interface ProcessReport {
  readonly metrics: readonly MetricReport[];
  /** Absent if the process measures no drift. */
  readonly drift?: DriftCounts;
}

/** Returns the reports of all processes that serve the same port. */
export type CollectReports = () => Promise<readonly ProcessReport[]>;

/** Reports what this process has counted so far. */
export function reportProcess(metrics: Metrics, drift?: DriftWindow): ProcessReport {
  return drift
    ? { metrics: metrics.report(), drift: drift.counts() }
    : { metrics: metrics.report() };
}
