import { errorRatio, objectives, rejectedRatio } from "./objectives.ts";
import { job, Queries } from "./queries.ts";

interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  /** How long the expression must be true. */
  readonly for?: string;
  /**
   * `critical` if somebody must act immediately, `warning` if it can wait for the next working day.
   */
  readonly labels: { readonly severity: "critical" | "warning" } & Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook", string>>;
}

/** The content of a rule file, which is also the `spec` of a PrometheusRule. */
export interface RuleFile {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly (RecordingRule | AlertingRule)[];
  }[];
}

const queries = new Queries();
const perNamespace = ["namespace"] as const;
const perTarget = ["namespace", "instance"] as const;

const percent = (ratio: number) => `${Number((ratio * 100).toPrecision(6))} %`;
const milliseconds = (seconds: number) => `${seconds * 1000} ms`;

/** The name under which the error ratio over a window is recorded. */
const recorded = (window: string) => `namespace:http_request_errors:ratio_rate${window}`;

/**
 * The error budget of 30 days burns too fast if the error ratio exceeds `factor` times the budget
 * over both windows. The long window ignores short peaks, and the short one ends the alert soon
 * after the errors end. Windows and factors are those of Google's "The Site Reliability Workbook",
 * chapter 5, "Alerting on SLOs", table 5-8.
 */
const burnRates = [
  { long: "1h", short: "5m", factor: 14.4, severity: "critical" },
  { long: "6h", short: "30m", factor: 6, severity: "critical" },
  { long: "3d", short: "6h", factor: 1, severity: "warning" },
] as const;

const budgetHours = 30 * 24;

const windows = [...new Set(burnRates.flatMap(({ short, long }) => [short, long]))];

const recordings = windows.map((window): RecordingRule => {
  return { record: recorded(window), expr: errorRatio(queries, { window, by: perNamespace }) };
});

/** @param rule without its runbook, which is a section of docs/monitoring.md */
function alert(
  rule: Omit<AlertingRule, "annotations"> & {
    readonly summary: string;
    readonly description: string;
  },
): AlertingRule {
  const { summary, description, ...others } = rule;
  const runbook = `docs/monitoring.md#${rule.alert.toLowerCase()}`;
  return { ...others, annotations: { summary, description, runbook } };
}

const budgetBurns = burnRates.map(({ long, short, factor, severity }) => {
  const limit = Number((factor * (1 - objectives.availability)).toPrecision(6));
  return alert({
    alert: "PredictionErrorBudgetBurn",
    expr: `${recorded(long)} > ${limit} and ${recorded(short)} > ${limit}`,
    labels: { severity, window: long },
    summary: `More than ${percent(limit)} of the requests fail`,
    description: `{{ $value | humanizePercentage }} of the requests of the last ${long} failed. At this rate, the error budget of 30 days is used up in ${budgetHours / factor} hours.`,
  });
});

const { p99Seconds, rejectedRatio: maxRejected, eventLoopDelaySeconds, psi } = objectives;

const others = [
  alert({
    alert: "PredictionLatencyHigh",
    expr: `${queries.quantile(0.99, "http_request_duration_seconds", {
      where: { route: `="/predict"` },
      by: perNamespace,
      window: "5m",
    })} > ${p99Seconds}`,
    for: "10m",
    labels: { severity: "critical" },
    summary: `1 % of the requests for one prediction take more than ${milliseconds(p99Seconds)}`,
    description: "The 99th percentile of /predict is {{ $value | humanizeDuration }}.",
  }),
  alert({
    alert: "PredictionRequestsRejected",
    expr: `${rejectedRatio(queries, { window: "5m", by: perNamespace })} > ${maxRejected}`,
    for: "5m",
    labels: { severity: "critical" },
    summary: `More than ${percent(maxRejected)} of the requests are rejected because of a limit`,
    description: "{{ $value | humanizePercentage }} of the requests are rejected.",
  }),
  alert({
    alert: "PredictionCacheDegraded",
    expr: `${queries.gauge("min", "prediction_redis_connected", { by: perTarget })} == 0 or ${queries.gauge("max", "prediction_redis_circuit_open", { by: perTarget })} == 1`,
    for: "5m",
    labels: { severity: "warning" },
    summary: "Predictions are not cached in Redis",
    description: "{{ $labels.instance }} has no connection to Redis, or Redis fails.",
  }),
  alert({
    alert: "PredictionEventLoopDelayed",
    expr: `${queries.quantile(0.99, "nodejs_event_loop_delay_seconds", {
      by: perTarget,
      window: "5m",
    })} > ${eventLoopDelaySeconds}`,
    for: "10m",
    labels: { severity: "warning" },
    summary: `The event loop is blocked for more than ${milliseconds(eventLoopDelaySeconds)} at a time`,
    description:
      "The 99th percentile of the event loop's delay on {{ $labels.instance }} is {{ $value | humanizeDuration }}.",
  }),
  alert({
    alert: "PredictionInputDrift",
    expr: `${queries.gauge("avg", "prediction_drift_psi", { by: ["namespace", "feature"] })} > ${psi}`,
    for: "30m",
    labels: { severity: "warning" },
    summary: "The distribution of a feature differs from the training data",
    description: `The population stability index of {{ $labels.feature }} is {{ $value | printf "%.2f" }}.`,
  }),
  alert({
    alert: "PredictionProcessRestarted",
    expr: `changes(${queries.series("process_start_time_seconds")}[1h]) > 0`,
    labels: { severity: "warning" },
    summary: "A process of the service has restarted",
    description: "{{ $labels.instance }} has restarted {{ $value }} times within an hour.",
  }),
  alert({
    alert: "PredictionPodsMissing",
    expr: `sum by (namespace) (${queries.up()}) == 0 or absent(${queries.up()})`,
    for: "2m",
    labels: { severity: "critical" },
    summary: "No pod of the service can be scraped",
    description: `Prometheus finds no target of the job ${job} that responds.`,
  }),
];

/** The recording and alerting rules. */
export const rules: RuleFile = {
  groups: [
    { name: "prediction-service-errors", rules: [...recordings, ...budgetBurns] },
    { name: "prediction-service", rules: others },
  ],
};
