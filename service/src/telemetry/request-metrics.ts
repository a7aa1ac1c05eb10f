import type { CacheOutcome } from "../cache/cached-response.ts";
import type { LoggedPrediction } from "./access-log.ts";
import { type RejectionReason, rejectionReasons } from "./metric-table.ts";
import type { Counter, Histogram, Metrics } from "./metrics.ts";

/** All other methods count as `OTHER`, since clients can send any. */
const knownMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Counts the responses of one route. */
export class RouteMetrics {
  readonly #metrics: Metrics;
  readonly #route: string;
  /** Created with the first response, so that unused routes are not reported. */
  #durations: Histogram | undefined;
  /** By method and status. */
  readonly #counters = new Map<string, Map<number, Counter>>();

  constructor(metrics: Metrics, route: string) {
    this.#metrics = metrics;
    this.#route = route;
  }

  /** Counts a response. */
  count(method: string, status: number, durationSeconds: number): void {
    const known = this.#counters.get(method)?.get(status);
    const counter = known ?? this.#addCounter(method, status);
    counter.value++;
    this.#durations ??= this.#metrics.histogram("http_request_duration_seconds", {
      route: this.#route,
    });
    this.#durations.observe(durationSeconds);
  }

  #addCounter(sentMethod: string, status: number): Counter {
    const isKnown = knownMethods.includes(sentMethod);
    const method = isKnown ? sentMethod : "OTHER";
    const labels = { method, route: this.#route, status: String(status) };
    const counter = this.#metrics.counter("http_requests_total", labels);
    // Other methods are not kept, since clients could send any number of them.
    if (isKnown) {
      const counters = this.#counters.get(method) ?? new Map<number, Counter>();
      this.#counters.set(method, counters.set(status, counter));
    }
    return counter;
  }
}

/** Counts requests and their results. */
export class RequestMetrics {
  readonly #metrics: Metrics;
  readonly #records: Histogram;
  readonly #outcomes: Readonly<Record<CacheOutcome, Counter>>;
  #inFlight = 0;

  constructor(metrics: Metrics) {
    const outcomes = (outcome: string, tier = "model") =>
      metrics.counter("prediction_cache_requests_total", { outcome, tier });
    this.#metrics = metrics;
    this.#records = metrics.histogram("prediction_request_records", {});
    this.#outcomes = {
      memory: outcomes("hit", "memory"),
      redis: outcomes("hit", "redis"),
      stored: outcomes("stored"),
      computed: outcomes("computed"),
      refreshed: outcomes("refreshed"),
      recomputed: outcomes("recomputed"),
      collapsed: outcomes("collapsed"),
      bypassed: outcomes("bypassed"),
    };
    metrics.observe("http_requests_in_flight", {}, () => this.#inFlight);
  }

  /** @param route the path of the endpoint, not of the request */
  ofRoute(route: string): RouteMetrics {
    return new RouteMetrics(this.#metrics, route);
  }

  /** Counts a request that has no response yet. */
  begin(): void {
    this.#inFlight++;
  }

  end(): void {
    this.#inFlight--;
  }

  /** Counts the predictions of a request. */
  predicted({ cache, records }: LoggedPrediction): void {
    this.#outcomes[cache].value++;
    this.#records.observe(records);
  }
}

/** Returns what counts rejections. All reasons are reported from the start, as 0. */
export function countRejections(metrics: Metrics): (reason: RejectionReason) => void {
  const counter = (reason: string) => metrics.counter("http_requests_rejected_total", { reason });
  for (const reason in rejectionReasons) counter(reason);
  return (reason) => {
    counter(reason).value++;
  };
}
