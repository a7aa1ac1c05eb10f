/** The limits that a request must keep to; see the table in docs/configuration.md. */
export interface Limits {
  readonly maxBodyBytes: number;
  /** For a body that holds one record. */
  readonly maxRecordBytes: number;
  /** Of all bodies that are in memory at the same time. */
  readonly maxBytesInFlight: number;
  /** Of a request line and its headers. */
  readonly maxHeaderBytes: number;
  /** Records in a list. */
  readonly maxHouses: number;
  readonly maxConcurrentRequests: number;
  readonly requestTimeoutMs: number;
}
