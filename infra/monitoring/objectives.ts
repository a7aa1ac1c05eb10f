import type { RejectionReason } from "../../service/src/telemetry/metric-table.ts";
import type { Queries, TargetLabel } from "./queries.ts";

/** What the service promises. The alerts and the dashboard refer to it. */
export const objectives = {
  /** Share of the requests that get a response other than 5xx. */
  availability: 0.999,
  /** 99 % of the requests for one prediction take at most this long. */
  p99Seconds: 0.1,
  /** Share of the requests that may be rejected because of a limit. */
  rejectedRatio: 0.01,
  /** 99 % of the timers fire at most this late. */
  eventLoopDelaySeconds: 0.1,
  /** The population stability index of a feature above which its distribution has changed. */
  psi: 0.2,
} as const;

/** Requests of probes and of Prometheus, which fail while a pod drains, are not counted. */
const ofClients = `!~"/health|/status|/metrics"`;

/** Reasons that are due to overload, not to an invalid request. */
const overload: readonly RejectionReason[] = [
  "concurrency",
  "wait",
  "bytes_in_flight",
  "queue_full",
  "timeout",
  "connections",
];

interface Ratio {
  readonly window: string;
  readonly by?: readonly TargetLabel[];
}

/** The requests of clients per second. */
function requests(queries: Queries, { window, by = [] }: Ratio): string {
  return queries.rate("http_requests_total", { where: { route: ofClients }, by, window });
}

/** The share of the requests that failed; 0 if no request has ever failed. */
export function errorRatio(queries: Queries, { window, by = [] }: Ratio): string {
  const where = { route: ofClients, status: `=~"5.."` };
  const failed = queries.rate("http_requests_total", { where, by, window });
  const all = requests(queries, { window, by });
  return `(${failed} or 0 * ${all}) / ${all}`;
}

/** The number of requests that were rejected because of overload, per request. */
export function rejectedRatio(queries: Queries, { window, by = [] }: Ratio): string {
  const where = { reason: `=~"${overload.join("|")}"` };
  const rejected = queries.rate("http_requests_rejected_total", { where, by, window });
  return `${rejected} / ${requests(queries, { window, by })}`;
}
