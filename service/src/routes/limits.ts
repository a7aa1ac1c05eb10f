/** The limits for requests; see docs/configuration.md. */
export interface Limits {
  /** Maximum length of any body. */
  readonly maxBodyBytes: number;
  /** Maximum length of a body with one record. */
  readonly maxRecordBytes: number;
  /** Maximum total length of all bodies in memory. */
  readonly maxBytesInFlight: number;
  /** Maximum length of the request line and headers. */
  readonly maxHeaderBytes: number;
  /** Maximum number of records in a list. */
  readonly maxHouses: number;
  /** Maximum number of records in a list whose predictions are explained. */
  readonly maxExplained: number;
  readonly maxConcurrentRequests: number;
  /** How long a prediction may wait for others. */
  readonly maxWaitMs: number;
  readonly requestTimeoutMs: number;
}

/** Added to the app's timeout: a request that takes longer to arrive gets 408. */
const arrivalGraceMs = 5_000;

/** Returns how long a request may take to arrive. */
export function arrivalTimeoutMs(requestTimeoutMs: number): number {
  return requestTimeoutMs + arrivalGraceMs;
}

/** Returns the maximum length of a body with one record, which no limit for lists exceeds. */
export function maxRecordBodyBytes({ maxRecordBytes, maxBodyBytes }: Limits): number {
  return Math.min(maxRecordBytes, maxBodyBytes);
}
