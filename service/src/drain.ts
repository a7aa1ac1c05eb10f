import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

/** How a server is brought to its end. */
export interface DrainOptions {
  readonly logger: Logger;
  /** For so long requests are still taken, so that load balancers learn of it. */
  readonly drainSeconds: number;
  /** For so long requests under way may go on once listening has stopped. */
  readonly timeoutMs: number;
}

/**
 * Stops a server without losing a request:
 *
 * 1. wait `drainSeconds`, still answering (the app says 503 on `/health` and `Connection: close`);
 * 2. stop listening and close idle connections;
 * 3. let the requests under way finish, or cut them off after `timeoutMs`.
 */
export async function drain(server: Server, options: DrainOptions): Promise<void> {
  const { logger, drainSeconds, timeoutMs } = options;
  logger.info({ drainSeconds }, "draining");
  await delay(drainSeconds * 1000);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  const overdue = setTimeout(() => {
    logger.warn({ timeoutMs }, "cutting off the requests still under way");
    server.closeAllConnections();
  }, timeoutMs);
  await closed.promise;
  clearTimeout(overdue);
  logger.info("stopped");
}
