import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The open connections of a server, each with its latest response, if it had any request. */
export type Connections = ReadonlyMap<Duplex, ServerResponse | undefined>;

/** Keeps track of a server's connections from now on. */
export function trackConnections(server: Server): Connections {
  const connections = new Map<Duplex, ServerResponse | undefined>();
  server.on("connection", (socket) => {
    connections.set(socket, undefined);
    socket.once("close", () => connections.delete(socket));
  });
  const onRequest: RequestListener = ({ socket }, response) => {
    connections.set(socket, response);
  };
  server.on("request", onRequest);
  server.on("checkExpectation", onRequest);
  return connections;
}
