/** Why the cache failed. */
export type CacheErrorReason =
  | "offline"
  | "open_circuit"
  | "timeout"
  | "refused"
  | "wrong_type"
  | "corrupt";

/** The cache could not be queried, or did not reply. Predictions do not fail because of this. */
export class CacheError extends Error {
  readonly reason: CacheErrorReason;

  constructor(reason: CacheErrorReason, options?: ErrorOptions) {
    super(`the cache failed: ${reason}`, options);
    this.reason = reason;
  }
}

/** A store of response bodies under canonical keys. */
export interface PredictionCache {
  /** The name of this tier in `Cache-Status`. */
  readonly tier: "memory" | "redis";
  /**
   * @returns the body; `undefined` if there is no valid entry
   * @throws {CacheError} if the cache could not be queried, or did not reply in time
   */
  get(key: string): Promise<string | undefined>;
  /** @throws {CacheError} if the body was not stored */
  set(key: string, body: string): Promise<void>;
  /** False if `set` is known to fail: the store is offline or full, or its latest write failed. */
  canStore(key: string, body: string): boolean;
}
