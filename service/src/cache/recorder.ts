import type { CacheErrorReason } from "./prediction-cache.ts";

/**
 * Where an answer came from: found in a tier, computed and handed to the store, computed by another
 * request under way, computed anew because the request asked for that, or the cache not used at
 * all.
 */
export type CacheOutcome = "memory" | "redis" | "stored" | "collapsed" | "refreshed" | "bypassed";

/** Counts what the cache does, for the operator. */
export interface CacheRecorder {
  /** A request was answered. */
  answered(outcome: CacheOutcome): void;
  /** An operation on Redis failed. */
  failed(operation: "get" | "set", reason: CacheErrorReason): void;
  /** Redis replied after so long. */
  replied(operation: "get" | "set", durationMs: number): void;
  /** The in-process tier holds so much now. */
  holds(bytes: number, entries: number): void;
}

/** Counts nothing. */
export const unrecorded: CacheRecorder = {
  answered() {},
  failed() {},
  replied() {},
  holds() {},
};
