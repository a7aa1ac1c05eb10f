import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Metrics } from "./telemetry/metrics.ts";
import { countRejections } from "./telemetry/request-metrics.ts";

/** An open connection. */
interface Connection {
  /** The latest response; undefined before the first request. */
  response: ServerResponse | undefined;
  /** Greater than that of connections whose latest request, or whose start, is longer ago. */
  lastUse: number;
}

/** The open connections of a server. */
export type Connections = ReadonlyMap<Duplex, Readonly<Connection>>;

/**
 * Calls `callback` when all sockets have been read once more. The event loop reads them between the
 * immediates of two turns.
 */
function afterReading(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}

/**
 * Tracks the connections of a server. If there are too many, closes the one that has been idle for
 * the longest time, or the new one if none is idle.
 *
 * A connection that seems idle may have a request that is not read yet, above all under load. So it
 * is closed only if there is still no request when its socket has been read once more.
 */
export function trackConnections(
  server: Server,
  maxConnections: number,
  metrics: Metrics,
): Connections {
  // Updated with each request. Deleting and adding an entry would keep them in order, but leaves
  // garbage that keeps the memory of many requests alive.
  const connections = new Map<Duplex, Connection>();
  /** The connections that will be closed if they are still idle, with their last use. */
  const closing = new Map<Duplex, number>();
  const countRejection = countRejections(metrics);
  let uses = 0;

  function longestIdle(): [Duplex, Connection] | undefined {
    let found: [Duplex, Connection] | undefined;
    for (const entry of connections) {
      const [socket, { response, lastUse }] = entry;
      if (response?.writableFinished === false || closing.has(socket)) continue;
      if (found === undefined || lastUse < found[1].lastUse) found = entry;
    }
    return found;
  }

  function closeIdle(): void {
    for (const [socket, lastUse] of closing) {
      if (connections.get(socket)?.lastUse !== lastUse) continue;
      connections.delete(socket);
      socket.destroy();
    }
    closing.clear();
  }

  /**
   * Closes idle connections soon.
   *
   * @returns whether at most `count` of the present connections stay open
   */
  function leaveOpen(count: number): boolean {
    while (connections.size - closing.size > count) {
      const idle = longestIdle();
      if (idle === undefined) return false;
      if (closing.size === 0) afterReading(closeIdle);
      closing.set(idle[0], idle[1].lastUse);
    }
    return true;
  }

  server.on("connection", (socket) => {
    if (!leaveOpen(maxConnections - 1)) {
      countRejection("connections");
      socket.destroy();
      return;
    }
    connections.set(socket, { response: undefined, lastUse: uses++ });
    socket.once("close", () => {
      connections.delete(socket);
      closing.delete(socket);
    });
  });
  const onRequest: RequestListener = ({ socket }, response) => {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.response = response;
    connection.lastUse = uses++;
  };
  server.on("request", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("checkContinue", onRequest);
  return connections;
}
