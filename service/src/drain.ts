import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { AppServer } from "./server.ts";

/** How often connections that became idle are closed while the last requests finish. */
const idleCheckIntervalMs = 100;

/** Settings of {@link drain}. */
export interface DrainOptions {
  /** All servers that accept connections. */
  readonly listeners: readonly Server[];
  readonly logger: Logger;
  /** Seconds to keep accepting requests while load balancers notice. */
  readonly drainSeconds: number;
  /** How long requests in flight may then take to finish. */
  readonly timeoutMs: number;
}

/**
 * Stops a server without losing a request:
 *
 * 1. keep accepting requests for `drainSeconds` (`/health` responds with 503, and every response
 *    has `Connection: close`);
 * 2. stop listening, and close connections that are idle or never had a request;
 * 3. wait for requests in flight, and cut them off after `timeoutMs`.
 */
export async function drain(
  { server, connections }: AppServer,
  options: DrainOptions,
): Promise<void> {
  const { listeners, logger, drainSeconds, timeoutMs } = options;
  logger.info({ drainSeconds }, "draining");
  await delay(drainSeconds * 1000);
  const closed = listeners.map((each) => new Promise((resolve) => each.close(resolve)));
  for (const [socket, { response }] of connections) {
    // `closeIdleConnections` does not close these.
    if (response === undefined) socket.destroy();
  }
  // A response that started before draining keeps its connection open.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckIntervalMs);
  const overdue = setTimeout(() => {
    logger.warn({ timeoutMs }, "cutting off requests in flight");
    server.closeAllConnections();
  }, timeoutMs);
  await Promise.all(closed);
  clearInterval(idle);
  clearTimeout(overdue);
  logger.info("stopped");
}
