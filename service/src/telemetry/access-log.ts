import { hostname } from "node:os";
import type { DestinationStream, Logger } from "pino";

/** What the access log records of a request; not the query, which may be personal. */
interface AccessLogLine {
  /** Like the method and the route, it needs no escaping in JSON. */
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** The pattern of the route that matched. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Writes one line per request; health checks only at level debug. */
export type AccessLog = (line: AccessLogLine) => void;

/**
 * An access log that writes the same lines as the logger would. It builds them itself, which takes
 * a fraction of the time on a busy server.
 *
 * @param lines where the logger writes to
 */
export function createAccessLog(logger: Logger, lines: DestinationStream): AccessLog {
  const origin = JSON.stringify({ pid: process.pid, hostname: hostname() }).slice(1, -1);
  const { info: level } = logger.levels.values;
  return (line) => {
    if (line.route === "/health") return logger.debug(line, "request");
    if (!logger.isLevelEnabled("info")) return;
    const { requestId, method, path, route, status, durationMs } = line;
    const quotedPath = path === route ? `"${path}"` : JSON.stringify(path);
    lines.write(
      `{"level":${level},"time":${Date.now()},${origin},"requestId":"${requestId}",` +
        `"method":"${method}","path":${quotedPath},"route":"${route}",` +
        `"status":${status},"durationMs":${durationMs},"msg":"request"}\n`,
    );
  };
}

/** @param start the result of `performance.now()` at the start of the request */
export function durationMsSince(start: number): number {
  return Math.round((performance.now() - start) * 1000) / 1000;
}
