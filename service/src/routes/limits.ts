/** The bounds that a request must keep to. */
export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxHouses: number;
  readonly maxConcurrentRequests: number;
  readonly requestTimeoutMs: number;
}
