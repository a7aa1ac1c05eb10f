import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { AppServer } from "./server.ts";

/** How often idle connections are closed while the last requests finish. */
const idleCheckIntervalMs = 100;

/** How a server is stopped. */
export interface DrainOptions {
  readonly logger: Logger;
  /** How long requests are still accepted, while load balancers notice. */
  readonly drainSeconds: number;
  /** How long requests in flight may take to finish after that. */
  readonly timeoutMs: number;
}

/**
 * Stops a server without losing a request:
 *
 * 1. keep answering for `drainSeconds` (`/health` is 503, and responses have `Connection: close`);
 * 2. stop listening, and close connections that are idle or never had a request;
 * 3. let requests in flight finish, or cut them off after `timeoutMs`.
 */
export async function drain(
  { server, connections }: AppServer,
  options: DrainOptions,
): Promise<void> {
  const { logger, drainSeconds, timeoutMs } = options;
  logger.info({ drainSeconds }, "draining");
  await delay(drainSeconds * 1000);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  for (const [socket, response] of connections) {
    // Node.js does not count these as idle.
    if (response === undefined) socket.destroy();
  }
  // A response that started before draining keeps its connection open.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckIntervalMs);
  const overdue = setTimeout(() => {
    logger.warn({ timeoutMs }, "cutting off requests in flight");
    server.closeAllConnections();
  }, timeoutMs);
  await closed.promise;
  clearInterval(idle);
  clearTimeout(overdue);
  logger.info("stopped");
}
