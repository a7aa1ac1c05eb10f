import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Metrics } from "./telemetry/metrics.ts";
import { countRejections } from "./telemetry/request-metrics.ts";

/**
 * The open connections of a server, each with its latest response; undefined before the first
 * request.
 */
export type Connections = ReadonlyMap<Duplex, ServerResponse | undefined>;

/**
 * Tracks the connections of a server. If there are too many, closes the oldest idle connection, or
 * the new one if none is idle.
 */
export function trackConnections(
  server: Server,
  maxConnections: number,
  metrics: Metrics,
): Connections {
  const connections = new Map<Duplex, ServerResponse | undefined>();
  const countRejection = countRejections(metrics);

  function oldestIdle(): Duplex | undefined {
    for (const [socket, response] of connections) {
      if (response === undefined || response.writableFinished) return socket;
    }
    return undefined;
  }

  function makeRoomFor(socket: Duplex): void {
    const idle = oldestIdle();
    if (idle === undefined) countRejection("connections");
    (idle ?? socket).destroy();
  }

  server.on("connection", (socket) => {
    if (connections.size >= maxConnections) makeRoomFor(socket);
    connections.set(socket, undefined);
    socket.once("close", () => connections.delete(socket));
  });
  const onRequest: RequestListener = ({ socket }, response) => {
    connections.set(socket, response);
  };
  server.on("request", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("checkContinue", onRequest);
  return connections;
}
