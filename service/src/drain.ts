import type { Server } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

/** Connections that no request has come on yet: Node.js does not count them among the idle ones. */
export function trackUnused(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", ({ socket }) => unused.delete(socket));
  return unused;
}

/** How a server is brought to its end. */
export interface DrainOptions {
  readonly logger: Logger;
  /** As {@link trackUnused} tells them. */
  readonly unused: ReadonlySet<Socket>;
  /** For so long requests are still taken, so that load balancers learn of it. */
  readonly drainSeconds: number;
  /** For so long requests under way may go on once listening has stopped. */
  readonly timeoutMs: number;
}

/**
 * Stops a server without losing a request:
 *
 * 1. wait `drainSeconds`, still answering (the app says 503 on `/health` and `Connection: close`);
 * 2. stop listening, and close connections that are idle or were never used;
 * 3. let the requests under way finish, or cut them off after `timeoutMs`.
 */
export async function drain(server: Server, options: DrainOptions): Promise<void> {
  const { logger, unused, drainSeconds, timeoutMs } = options;
  logger.info({ drainSeconds }, "draining");
  await delay(drainSeconds * 1000);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  for (const socket of unused) socket.destroy();
  const overdue = setTimeout(() => {
    logger.warn({ timeoutMs }, "cutting off the requests still under way");
    server.closeAllConnections();
  }, timeoutMs);
  await closed.promise;
  clearTimeout(overdue);
  logger.info("stopped");
}
