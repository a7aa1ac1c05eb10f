import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { errorRatio, objectives } from "./objectives.ts";
import {
  datasource,
  graph,
  info,
  level,
  names,
  percentiles,
  queries,
  rate,
  stat,
  type Target,
  window,
} from "./panels.ts";
import { job } from "./queries.ts";

const byInstance = { by: ["instance"] } as const;

const errors: Target = {
  expr: errorRatio(queries, { window }),
  legend: "errors",
  unit: "percentunit",
  help: "Share of the requests of clients that got a 5xx response.",
};

const hits: Target = {
  expr: `${rate("prediction_cache_requests_total", { where: { outcome: `="hit"` } }).expr} / ${rate("prediction_cache_requests_total").expr}`,
  legend: "hits",
  unit: "percentunit",
  help: "Share of the predictions that came from the cache.",
};

const pods: Target = {
  expr: `sum (${queries.up()})`,
  legend: "pods",
  unit: "short",
  help: "Pods that Prometheus can scrape.",
};

const records: Target = {
  expr: queries.observedSum("prediction_request_records", { window }),
  legend: "records",
  unit: "cps",
  help: "Records that got predictions.",
};

const runs: Target = {
  expr: queries.observations("prediction_inference_rows", { window }),
  legend: "runs",
  unit: "cps",
  help: "Runs of the model.",
};

const age: Target = {
  ...level("process_start_time_seconds", byInstance),
  expr: `time() - ${level("process_start_time_seconds", byInstance).expr}`,
  help: "Time since the start of the process, or of the newest one if there are several.",
};

const latency = (route: string): Target => ({
  expr: queries.quantile(0.99, "http_request_duration_seconds", {
    where: { route: `="${route}"` },
    window,
  }),
  legend: route,
  unit: "s",
  help: `99th percentile of the duration of ${route}.`,
});

const rows = {
  Overview: [
    stat("Requests", rate("http_requests_total"), { unit: "reqps" }),
    stat("Errors", errors, { limit: 1 - objectives.availability }),
    stat("p99 of /predict", latency("/predict"), { limit: objectives.p99Seconds }),
    stat("Cache hits", hits),
    stat("Predicted records", records),
    stat("Pods", pods),
  ],
  Requests: [
    graph("Requests by route", [rate("http_requests_total", { by: ["route"] })], { unit: "reqps" }),
    graph("Responses by status", [rate("http_requests_total", { by: ["status"] })], {
      unit: "reqps",
    }),
    graph("Duration", percentiles("http_request_duration_seconds", { by: ["route"] })),
    graph("Rejected requests", [rate("http_requests_rejected_total", { by: ["reason"] })], {
      unit: "reqps",
    }),
    graph("In flight", [level("http_requests_in_flight", byInstance)]),
    graph("Bodies in memory", [
      level("http_body_in_flight_bytes", { legend: "bodies" }),
      level("http_body_in_flight_limit_bytes", { legend: "limit" }),
    ]),
    graph("Records per request", percentiles("prediction_request_records")),
    graph("Errors", [errors], { limit: 1 - objectives.availability }),
    graph("Predicted records", [records]),
  ],
  Cache: [
    graph("Outcomes", [rate("prediction_cache_requests_total", { by: ["outcome", "tier"] })], {
      unit: "reqps",
    }),
    graph("Memory", [
      level("prediction_memory_cache_bytes", { legend: "used" }),
      level("prediction_memory_cache_limit_bytes", { legend: "limit" }),
    ]),
    graph("Entries in memory", [level("prediction_memory_cache_entries", byInstance)]),
    graph(
      "Redis latency",
      percentiles("prediction_redis_command_duration_seconds", { by: ["command"] }),
    ),
    graph("Redis errors", [rate("prediction_redis_errors_total", { by: ["command", "reason"] })]),
    graph("Redis state", [
      level("prediction_redis_connected", { legend: "connected" }),
      {
        ...level("prediction_redis_circuit_open", { by: ["command"] }),
        legend: "{{command}} circuit open",
      },
    ]),
  ],
  Model: [
    graph("Run duration", percentiles("prediction_inference_duration_seconds")),
    graph("Rows per run", percentiles("prediction_inference_rows")),
    graph("Runs", [runs]),
    graph("Rows queued", [level("prediction_rows_queued", byInstance)]),
    names("Model", info("prediction_model_info", ["model", "engine", "version"])),
    names("Version", info("prediction_build_info", ["version", "node"])),
  ],
  Drift: [
    graph("Population stability index", [level("prediction_drift_psi", { by: ["feature"] })], {
      limit: objectives.psi,
    }),
    graph("Outside the training range", [
      level("prediction_drift_feature_outside_range_ratio", { by: ["feature"] }),
      level("prediction_drift_outside_range_ratio", { legend: "any feature" }),
    ]),
    graph("Mean prediction", [level("prediction_drift_mean", { by: ["output"] })]),
    graph("Records in the window", [level("prediction_drift_records", byInstance)]),
  ],
  Processes: [
    graph("Event loop delay", percentiles("nodejs_event_loop_delay_seconds"), {
      limit: objectives.eventLoopDelaySeconds,
    }),
    graph("Event loop utilization", [rate("nodejs_event_loop_active_seconds_total", byInstance)]),
    graph("CPU", [rate("process_cpu_seconds_total", byInstance)]),
    graph("Resident memory", [level("process_resident_memory_bytes", byInstance)]),
    graph("Heap and buffers", [
      level("nodejs_heap_size_total_bytes", { legend: "heap" }),
      level("nodejs_heap_size_used_bytes", { legend: "used heap" }),
      level("nodejs_external_memory_bytes", { legend: "buffers" }),
    ]),
    graph("Open files", [level("process_open_fds", byInstance)]),
    graph("Age", [age]),
    graph("Processes", [level("prediction_processes", byInstance)]),
  ],
};

/** A variable with the values of a target label. By default, all values are selected. */
function targetVariable(label: string) {
  return new QueryVariableBuilder(label)
    .datasource(datasource)
    .query(`label_values(up{job="${job}"}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

function build() {
  const builder = new DashboardBuilder("Prediction service")
    .uid("prediction-service")
    .tags(["prediction-service"])
    .timezone("browser")
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder("datasource").type("prometheus"))
    .withVariable(targetVariable("namespace"))
    .withVariable(targetVariable("instance"));
  for (const [title, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(title));
    // Three or four graphs per row, so that no row has a gap.
    const columns = panels.length % 3 === 0 ? 3 : 4;
    for (const panel of panels) {
      builder.withPanel(title === "Overview" ? panel.span(4) : panel.span(24 / columns));
    }
  }
  return builder.build();
}

/** Grafana's dashboard. Every metric of the table is on it. */
export const dashboard = build();
