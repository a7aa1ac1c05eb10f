import { hostname } from "node:os";
import type { DestinationStream, Logger } from "pino";

/** What the access log records about a request. The query is left out, since it may be personal. */
interface AccessLogLine {
  /** Needs no escaping in JSON, like the method and the route. */
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** The pattern of the route that matched. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Writes one line per request. Health checks are logged only at level debug. */
export type AccessLog = (line: AccessLogLine) => void;

/**
 * Creates an access log. It writes the same lines as the logger would, but in a fraction of the
 * time.
 *
 * @param lines the destination of the logger
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
