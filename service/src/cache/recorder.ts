import type { CacheErrorReason } from "./prediction-cache.ts";

/**
 * Where a response came from:
 *
 * - `memory`, `redis`: it was found in this tier;
 * - `stored`: it was computed and stored in at least one tier;
 * - `computed`: it was computed, and storing it is known to fail;
 * - `refreshed`, `recomputed`: the same two for a request with `no-cache`;
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

/** Counts what the cache does, for the operator. */
export interface CacheRecorder {
  /** A request was answered. */
  answered(outcome: CacheOutcome): void;
  /** An operation on Redis failed. */
  failed(operation: "get" | "set", reason: CacheErrorReason): void;
  /** Redis replied after `durationMs`. */
  replied(operation: "get" | "set", durationMs: number): void;
  /** What the in-process tier holds now. */
  holds(bytes: number, entries: number): void;
}

/** Counts nothing. */
export const unrecorded: CacheRecorder = {
  answered() {},
  failed() {},
  replied() {},
  holds() {},
};
