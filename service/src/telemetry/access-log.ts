import type { Logger } from "pino";

/** What the access log tells of a request. The query is not told: it may be personal. */
export interface AccessLogLine {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** The pattern that took the request. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** One line a request; a probe's at level debug, so that it does not drown the others. */
export function logRequest(logger: Logger, line: AccessLogLine): void {
  if (line.route === "/health") logger.debug(line, "request");
  else logger.info(line, "request");
}

/** @param start of the request, by `performance.now()` */
export function durationMsSince(start: number): number {
  return Math.round((performance.now() - start) * 1000) / 1000;
}
