/** The reasons why the cache can fail. */
export const cacheErrorReasons = [
  "offline",
  "open_circuit",
  "timeout",
  "refused",
  "wrong_type",
  "corrupt",
] as const;

/** Why the cache failed. */
export type CacheErrorReason = (typeof cacheErrorReasons)[number];

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
  /**
   * @param records the number of records that the body has predictions of
   * @throws {CacheError} if the body was not stored
   */
  set(key: string, body: string, records: number): Promise<void>;
  /** False if `set` is known to fail: the store is offline or full, or its latest write failed. */
  canStore(key: string, body: string): boolean;
}
