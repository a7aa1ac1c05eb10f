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
  readonly maxConcurrentRequests: number;
  readonly requestTimeoutMs: number;
}

/** The longest body with one record: no limit for lists is exceeded either. */
export function maxRecordBodyBytes({ maxRecordBytes, maxBodyBytes }: Limits): number {
  return Math.min(maxRecordBytes, maxBodyBytes);
}
