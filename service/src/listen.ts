import cluster from "node:cluster";
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";

/**
 * Node.js accepts one connection per listening socket and turn of the event loop. Under load, a
 * turn takes a millisecond or more. A crowd of new clients would wait for seconds, and the system
 * would drop connections. With several sockets for the port, it accepts several per turn.
 */
const listenersOnLinux = 16;

/** Whether several sockets can listen on one port. Workers listen through the first process. */
const canSharePort = process.platform === "linux" && !cluster.isWorker;

async function listening(server: Server, options: object): Promise<void> {
  await once(server.listen(options), "listening");
}

/**
 * Finds out whether a port is free: a socket that shares its port would share it with a second
 * service, too.
 *
 * @returns the port; the one that the system chose if `port` is 0
 * @throws {Error} if it is in use, or the host is not an address of this machine
 */
async function freePort(port: number, host: string): Promise<number> {
  const probe = createServer();
  await listening(probe, { port, host });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : port;
}

/**
 * Lets a server listen on a port.
 *
 * @returns all servers that listen on it. When they are closed, the port is free
 * @throws {Error} if it cannot listen
 */
export async function listen(
  server: HttpServer,
  port: number,
  host: string,
): Promise<readonly Server[]> {
  if (!canSharePort) {
    await listening(server, { port, host });
    return [server];
  }
  const others = Array.from({ length: listenersOnLinux - 1 }, () =>
    createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      server.emit("connection", socket);
    }),
  );
  const servers = [server, ...others];
  const shared = { port: await freePort(port, host), host, reusePort: true };
  await Promise.all(servers.map((each) => listening(each, shared)));
  return servers;
}
