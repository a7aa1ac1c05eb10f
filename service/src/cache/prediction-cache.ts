/** Why a cache could not be used. */
export type CacheErrorReason =
  | "offline"
  | "open_circuit"
  | "timeout"
  | "refused"
  | "wrong_type"
  | "corrupt";

/** The cache could not be asked, or did not answer. A prediction never fails for it. */
export class CacheError extends Error {
  readonly reason: CacheErrorReason;

  constructor(reason: CacheErrorReason, options?: ErrorOptions) {
    super(`the cache failed: ${reason}`, options);
    this.reason = reason;
  }
}

/** A store of answers under canonical keys. */
export interface PredictionCache {
  /** Where its hits are found, as `Cache-Status` names it. */
  readonly tier: "memory" | "redis";
  /**
   * @returns the answer's body, `undefined` where there is none that can be trusted
   * @throws {CacheError} the cache could not be asked, or did not answer in time
   */
  get(key: string): Promise<string | undefined>;
  /** @throws {CacheError} the answer was not stored */
  set(key: string, body: string): Promise<void>;
}
