import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readRules, rulesFile, titleOf } from "./generated-files.ts";
import { prometheusTest } from "./prometheus.ts";

/** The values of series, one per minute, in promtool's notation. */
type Series = Readonly<Record<string, string>>;

interface Situation {
  readonly alert: string;
  /** The labels of the alert, without its name and its severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the alert says. */
  readonly description: string;
  /** When the alerts are evaluated. */
  readonly minutes: number;
  readonly firing: Series;
  readonly silent: Series;
}

const namespace = "w255";
const instance = "10.0.0.7:8000";
const target = `job="prediction-service",namespace="${namespace}",instance="${instance}"`;
const series = (name: string, labels = "") => `${name}{${target}${labels && `,${labels}`}}`;

const up = series("up");

/** A counter that grows by the same number each minute. */
const perMinute = (count: number) => `0+${count}x6000`;
const constant = (value: number) => `${value}+0x6000`;

const responses = (status: number, route = "/predict") =>
  series("http_requests_total", `method="POST",route="${route}",status="${status}"`);

const rejections = (reason: string) => series("http_requests_rejected_total", `reason="${reason}"`);

/** A histogram with observations in two of its buckets, per minute. */
const histogram = (
  name: string,
  labels: string,
  counts: Readonly<Record<string, number>>,
): Series =>
  Object.fromEntries(
    Object.entries(counts).map(([le, count]) => [
      series(`${name}_bucket`, [labels, `le="${le}"`].filter(Boolean).join(",")),
      perMinute(count),
    ]),
  );

/** Responses with an error for some time, per minute. */
const errorsFor = (minutes: number, failed: number) => ({
  [responses(200)]: perMinute(10_000),
  [responses(500)]: `0x5000 ${failed}+${failed}x${minutes - 1} ${failed * minutes}x600`,
});

/** Each alert once in a situation in which it fires, and once in a similar one in which it must not. */
const situations: readonly Situation[] = [
  {
    alert: "PredictionErrorBudgetBurn",
    labels: { namespace, window: "1h" },
    description:
      "1.961% of the requests of the last 1h failed. At this rate, the error budget of 30 days is used up in 50 hours.",
    minutes: 5_070,
    // 2 % fail for more than an hour.
    firing: errorsFor(100, 200),
    // 2 % failed for an hour, until 10 minutes ago.
    silent: errorsFor(60, 200),
  },
  {
    alert: "PredictionErrorBudgetBurn",
    labels: { namespace, window: "6h" },
    description:
      "0.7937% of the requests of the last 6h failed. At this rate, the error budget of 30 days is used up in 120 hours.",
    minutes: 5_400,
    // 0.8 % fail: too few for the alert above.
    firing: errorsFor(500, 80),
    silent: errorsFor(300, 80),
  },
  {
    alert: "PredictionErrorBudgetBurn",
    labels: { namespace, window: "3d" },
    description:
      "0.1996% of the requests of the last 3d failed. At this rate, the error budget of 30 days is used up in 720 hours.",
    minutes: 5_010,
    // 0.2 % fail.
    firing: { [responses(200)]: perMinute(10_000), [responses(503)]: perMinute(20) },
    // The same number fails, but they are health checks of draining pods.
    silent: { [responses(200)]: perMinute(10_000), [responses(503, "/health")]: perMinute(20) },
  },
  {
    alert: "PredictionLatencyHigh",
    labels: { namespace },
    description: "The 99th percentile of /predict is 175ms.",
    minutes: 30,
    firing: histogram("http_request_duration_seconds", `route="/predict"`, {
      "0.1": 98,
      "0.25": 100,
      "+Inf": 100,
    }),
    // The same durations, but for lists.
    silent: histogram("http_request_duration_seconds", `route="/bulk_predict"`, {
      "0.1": 98,
      "0.25": 100,
      "+Inf": 100,
    }),
  },
  {
    alert: "PredictionRequestsRejected",
    labels: { namespace },
    description: "2% of the requests are rejected.",
    minutes: 30,
    firing: { [responses(200)]: perMinute(1_000), [rejections("queue_full")]: perMinute(20) },
    // The same number is rejected, but because they are invalid.
    silent: { [responses(200)]: perMinute(1_000), [rejections("malformed")]: perMinute(20) },
  },
  {
    alert: "PredictionCacheDegraded",
    labels: { namespace, instance },
    description: "10.0.0.7:8000 has no connection to Redis, or Redis fails.",
    minutes: 30,
    firing: {
      [series("prediction_redis_connected")]: constant(1),
      [series("prediction_redis_circuit_open", `command="get"`)]: constant(0),
      [series("prediction_redis_circuit_open", `command="set"`)]: constant(1),
    },
    // Redis restarted for two minutes.
    silent: {
      [series("prediction_redis_connected")]: "1x20 0 0 1x100",
      [series("prediction_redis_circuit_open", `command="get"`)]: constant(0),
    },
  },
  {
    alert: "PredictionEventLoopDelayed",
    labels: { namespace, instance },
    description: "The 99th percentile of the event loop's delay on 10.0.0.7:8000 is 205ms.",
    minutes: 30,
    firing: histogram("nodejs_event_loop_delay_seconds", "", {
      "0.1": 580,
      "0.25": 600,
      "+Inf": 600,
    }),
    silent: histogram("nodejs_event_loop_delay_seconds", "", {
      "0.1": 599,
      "0.25": 600,
      "+Inf": 600,
    }),
  },
  {
    alert: "PredictionInputDrift",
    labels: { namespace, feature: "MedInc" },
    description: "The population stability index of MedInc is 0.25.",
    minutes: 60,
    firing: { [series("prediction_drift_psi", `feature="MedInc"`)]: constant(0.25) },
    silent: { [series("prediction_drift_psi", `feature="MedInc"`)]: constant(0.15) },
  },
  {
    alert: "PredictionProcessRestarted",
    labels: { job: "prediction-service", namespace, instance },
    description: "10.0.0.7:8000 has restarted 1 times within an hour.",
    minutes: 60,
    firing: { [series("process_start_time_seconds")]: "100x30 1800x60" },
    // Another pod started.
    silent: {
      [series("process_start_time_seconds")]: "100x30 _x60",
      [series("process_start_time_seconds").replace("10.0.0.7", "10.0.0.8")]: "_x30 1800x60",
    },
  },
  {
    alert: "PredictionPodsMissing",
    labels: { namespace },
    description: "Prometheus finds no target of the job prediction-service that responds.",
    minutes: 30,
    firing: { [up]: "1x20 0x60" },
    // One of two pods is missing.
    silent: {
      [up]: "1x20 0x60",
      [up.replace("10.0.0.7", "10.0.0.8")]: constant(1),
    },
  },
];

const rules = readRules().filter(({ alert }) => alert !== undefined);

const titled = situations.map((situation) => {
  return { ...situation, title: titleOf(situation.alert, situation.labels) };
});

/** The alert of a situation, as promtool expects it. */
function expected({ alert, labels, description }: Situation) {
  const rule = rules.find(({ title }) => title === titleOf(alert, labels));
  return {
    exp_labels: { ...rule?.labels, ...labels },
    exp_annotations: { ...rule?.annotations, description },
  };
}

/** Checks with promtool that only the given alert fires at a time. If undefined, none may fire. */
function expectOnly(situation: Situation | undefined, minutes: number, input: Series): void {
  const folder = mkdtempSync(join(tmpdir(), "alerts-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "test.json");
  const names = new Set(rules.flatMap(({ alert = [] }) => alert));
  const series = { [up]: constant(1), ...input };
  const tests = {
    rule_files: [rulesFile],
    // Rules are slow to evaluate with a history of days.
    evaluation_interval: minutes < 1000 ? "1m" : "30m",
    tests: [
      {
        interval: "1m",
        input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
        alert_rule_test: Array.from(names, (alertname) => ({
          eval_time: `${minutes}m`,
          alertname,
          exp_alerts: situation?.alert === alertname ? [expected(situation)] : [],
        })),
      },
    ],
  };
  // promtool reads YAML, and JSON is YAML.
  writeFileSync(file, JSON.stringify(tests));
  const { stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
  expect(stdout + stderr).toMatch(/^Unit Testing: .*\n {2}SUCCESS\n*$/);
}

prometheusTest.for(titled)("$title fires, and no other alert", (situation) => {
  expectOnly(situation, situation.minutes, situation.firing);
});

prometheusTest.for(titled)(
  "$title does not fire in a similar situation, nor does any other alert",
  ({ minutes, silent }) => expectOnly(undefined, minutes, silent),
);

prometheusTest("PredictionPodsMissing fires if Prometheus knows no target at all", () => {
  const [missing] = situations.filter(({ alert }) => alert === "PredictionPodsMissing");
  if (missing === undefined) throw new Error("no situation fires PredictionPodsMissing");
  const labels = { job: "prediction-service" };
  expectOnly({ ...missing, labels }, 30, { [up]: "_x60" });
});

test("each alert is tested in one situation", () => {
  expect(titled.map(({ title }) => title).sort()).toEqual(rules.map(({ title }) => title).sort());
});
