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

/** A response body and where it came from. */
export interface CachedResponse {
  readonly body: string;
  readonly outcome: CacheOutcome;
  /** The number of records that the body has predictions of. */
  readonly records: number;
  /** The features outside the training range, as `TrainingRange` lists them. */
  readonly outOfRange: string | undefined;
}
