/** How a metric is counted. */
export type MetricType = "counter" | "gauge" | "histogram";

/**
 * How the values of several processes are combined. `first` is for values that are the same in all
 * of them, or are computed from their sums.
 */
export type Aggregation = "sum" | "max" | "min" | "first";

/** The description of a metric. */
export interface MetricDefinition {
  readonly type: MetricType;
  readonly help: string;
  /** The unit of its values. Names end in seconds, bytes and ratio. */
  readonly unit:
    | "seconds"
    | "bytes"
    /** From 0 to 1. */
    | "ratio"
    /** A number of things, which the metric's name says. */
    | "count"
    /** Seconds since 1970. */
    | "timestamp"
    /** 1 for yes, 0 for no. */
    | "state"
    /** Always 1. The labels have the information. */
    | "info"
    /** From 0, without an upper bound. */
    | "index"
    /** The unit of the model's target. */
    | "target";
  /** What each label means. Clients cannot choose the value of a label. */
  readonly labels: Readonly<Record<string, string>>;
  /** The upper bounds of a histogram's buckets, in its unit. The bucket `+Inf` is added. */
  readonly buckets?: readonly number[];
  readonly processes: Aggregation;
}

/** The reasons in `http_requests_rejected_total`. */
export const rejectionReasons = {
  concurrency: "503: `MAX_CONCURRENT_REQUESTS` predictions are in progress",
  wait: "503: the prediction would wait longer than `MAX_WAIT_MS` for others",
  bytes_in_flight: "503: all bodies together would exceed `MAX_BYTES_IN_FLIGHT`",
  queue_full: "503: too many rows wait for the model",
  not_loaded: "503: the default model is not loaded",
  timeout: "504: there was no prediction within `REQUEST_TIMEOUT_MS`",
  body_too_long:
    "413: the body is longer than `MAX_BODY_BYTES` or `MAX_RECORD_BYTES`, or reading it takes too much memory",
  tiny_chunks: "400: the body has too many small chunks",
  headers_too_long: "431: the request line and headers are longer than `MAX_HEADER_BYTES`",
  slow_arrival: "408: the request did not arrive in time",
  malformed: "400 or 413: the request is not valid HTTP",
  connections: "no response: `MAX_CONNECTIONS` connections are open and none is idle",
} as const;

/** Why a request was rejected. */
export type RejectionReason = keyof typeof rejectionReasons;

const model = "the name in the model card";
const feature = "the name in the model card";
const command = "`get` or `set`";

/**
 * Every metric of `/metrics`, by name. `docs/metrics.md` is generated from this table by
 * `pnpm metrics`.
 */
export const metricTable = {
  http_requests_total: {
    type: "counter",
    help: "Requests that got a response",
    unit: "count",
    labels: {
      method: "the method; `OTHER` for an uncommon one",
      route:
        "the path of the endpoint, `*` if there is none, `unparsed` if Node.js could not parse the request",
      status: "the status code; 499 if the client disconnected",
    },
    processes: "sum",
  },
  http_request_duration_seconds: {
    type: "histogram",
    help: "Time from a request's headers to its response, including the arrival of the body",
    unit: "seconds",
    labels: { route: "like that of `http_requests_total`" },
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    processes: "sum",
  },
  http_requests_in_flight: {
    type: "gauge",
    help: "Requests that have no response yet",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  http_requests_rejected_total: {
    type: "counter",
    help: "Requests rejected because of a limit, and requests that are not valid HTTP",
    unit: "count",
    labels: { reason: "see [reasons](#reasons)" },
    processes: "sum",
  },
  http_body_in_flight_bytes: {
    type: "gauge",
    help: "Bytes of all bodies in memory",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  http_body_in_flight_limit_bytes: {
    type: "gauge",
    help: "Limit of http_body_in_flight_bytes, MAX_BYTES_IN_FLIGHT",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  prediction_request_records: {
    type: "histogram",
    help: "Records of each request that got predictions",
    unit: "count",
    labels: {},
    buckets: [1, 10, 100, 1_000, 10_000, 100_000],
    processes: "sum",
  },
  prediction_cache_requests_total: {
    type: "counter",
    help: "Requests that got predictions, by what the cache did",
    unit: "count",
    labels: {
      outcome:
        "`hit`; `stored` or `computed` after a miss; `refreshed` or `recomputed` for `no-cache`; `collapsed` if another request computed it; `bypassed`",
      tier: "`memory` or `redis` for a hit, otherwise `model`",
    },
    processes: "sum",
  },
  prediction_memory_cache_bytes: {
    type: "gauge",
    help: "Size of the cache in memory",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  prediction_memory_cache_limit_bytes: {
    type: "gauge",
    help: "Limit of prediction_memory_cache_bytes, CACHE_MEMORY_BYTES",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  prediction_memory_cache_entries: {
    type: "gauge",
    help: "Entries of the cache in memory",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  prediction_redis_command_duration_seconds: {
    type: "histogram",
    help: "Time that Redis took to reply",
    unit: "seconds",
    labels: { command },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
    processes: "sum",
  },
  prediction_redis_errors_total: {
    type: "counter",
    help: "Commands that failed, or were not sent",
    unit: "count",
    labels: {
      command,
      reason: "`offline`, `open_circuit`, `timeout`, `refused`, `wrong_type` or `corrupt`",
    },
    processes: "sum",
  },
  prediction_redis_connected: {
    type: "gauge",
    help: "1 if there is a connection to Redis, otherwise 0",
    unit: "state",
    labels: {},
    processes: "min",
  },
  prediction_redis_circuit_open: {
    type: "gauge",
    help: "1 if the circuit breaker stops commands, otherwise 0",
    unit: "state",
    labels: { command },
    processes: "max",
  },
  prediction_inference_duration_seconds: {
    type: "histogram",
    help: "Time of each run of the model",
    unit: "seconds",
    labels: {},
    buckets: [0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25],
    processes: "sum",
  },
  prediction_inference_rows: {
    type: "histogram",
    help: "Rows of each run of the model",
    unit: "count",
    labels: {},
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    processes: "sum",
  },
  prediction_rows_queued: {
    type: "gauge",
    help: "Rows that wait for a run of the model",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  prediction_model_info: {
    type: "gauge",
    help: "1 for the served model",
    unit: "info",
    labels: { model, version: "SHA-256 of the ONNX file", engine: "what runs the model" },
    processes: "first",
  },
  prediction_build_info: {
    type: "gauge",
    help: "1 for the running version",
    unit: "info",
    labels: { version: "of the service", node: "the version of Node.js" },
    processes: "first",
  },
  prediction_drift_records: {
    type: "gauge",
    help: "Records in the drift window",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  prediction_drift_psi: {
    type: "gauge",
    help: "Population stability index of a feature in the drift window",
    unit: "index",
    labels: { feature },
    processes: "first",
  },
  prediction_drift_outside_range_ratio: {
    type: "gauge",
    help: "Share of the records in the drift window with any feature outside the training range",
    unit: "ratio",
    labels: {},
    processes: "first",
  },
  prediction_drift_feature_outside_range_ratio: {
    type: "gauge",
    help: "Share of the records in the drift window whose feature is outside the training range",
    unit: "ratio",
    labels: { feature },
    processes: "first",
  },
  prediction_drift_mean: {
    type: "gauge",
    help: "Mean prediction in the drift window",
    unit: "target",
    labels: { output: "the name of the output in the model card, or its index" },
    processes: "first",
  },
  prediction_processes: {
    type: "gauge",
    help: "Processes whose values are added up in this response",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  nodejs_event_loop_delay_seconds: {
    type: "histogram",
    help: "How late a timer fires that is due every 100 ms",
    unit: "seconds",
    labels: {},
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    processes: "sum",
  },
  nodejs_event_loop_active_seconds_total: {
    type: "counter",
    help: "Time in which the event loop was not waiting for events",
    unit: "seconds",
    labels: {},
    processes: "sum",
  },
  nodejs_heap_size_total_bytes: {
    type: "gauge",
    help: "Size of V8's heap",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  nodejs_heap_size_used_bytes: {
    type: "gauge",
    help: "Part of V8's heap that is in use",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  nodejs_external_memory_bytes: {
    type: "gauge",
    help: "Memory outside V8's heap that belongs to its objects, such as buffers",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "CPU time of user and system",
    unit: "seconds",
    labels: {},
    processes: "sum",
  },
  process_resident_memory_bytes: {
    type: "gauge",
    help: "Resident memory",
    unit: "bytes",
    labels: {},
    processes: "sum",
  },
  process_open_fds: {
    type: "gauge",
    help: "Open file descriptors (Linux)",
    unit: "count",
    labels: {},
    processes: "sum",
  },
  process_start_time_seconds: {
    type: "gauge",
    help: "When the process started",
    unit: "timestamp",
    labels: {},
    processes: "max",
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof metricTable;

/** The names of the metrics of a type. */
export type NameOf<T extends MetricType> = {
  [N in MetricName]: (typeof metricTable)[N]["type"] extends T ? N : never;
}[MetricName];

/** The label values of a series. */
export type LabelsOf<N extends MetricName> = Readonly<
  Record<keyof (typeof metricTable)[N]["labels"], string>
>;
