import type { CacheErrorReason } from "./prediction-cache.ts";

/**
 * Where a response came from:
 *
 * - `memory`, `redis`: a hit in this tier;
 * - `stored`: it was computed and stored in at least one tier;
 * - `computed`: it was computed, and storing it is known to fail;
 * - `refreshed`, `recomputed`: like the previous two, for a request with `no-cache`;
 * - `collapsed`: another request in flight computed it;
 * - `bypassed`: the cache was not used.
 */
export type CacheOutcome =
  | "memory"
  | "redis"
  | "stored"
  | "computed"
  | "refreshed"
  | "recomputed"
  | "collapsed"
  | "bypassed";

/** Records what the cache does, for metrics. */
export interface CacheRecorder {
  /** A request got its response. */
  answered(outcome: CacheOutcome): void;
  /** An operation on Redis failed. */
  failed(operation: "get" | "set", reason: CacheErrorReason): void;
  /** Redis replied after `durationMs`. */
  replied(operation: "get" | "set", durationMs: number): void;
  /** The current size of the in-process tier. */
  holds(bytes: number, entries: number): void;
}

/** Records nothing. */
export const unrecorded: CacheRecorder = {
  answered() {},
  failed() {},
  replied() {},
  holds() {},
};
