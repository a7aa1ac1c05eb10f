import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../src/listen.ts";
import { blockEventLoop } from "./event-loop.ts";

async function listening(server: HttpServer, port = 0): Promise<readonly Server[]> {
  const servers = await listen(server, port, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    for (const each of servers) each.close();
  });
  return servers;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  return socket;
}

test.runIf(process.platform === "linux")(
  "a burst of clients is accepted in a few turns of the event loop",
  async () => {
    const server = createServer();
    await listening(server);
    const clients = 128;
    const accepted = Promise.withResolvers<void>();
    let connections = 0;
    let turns = 0;
    server.on("connection", () => {
      if (++connections === clients) accepted.resolve();
    });
    for (let i = 0; i < clients; i++) open(portOf(server));
    // The clients connect while the event loop is blocked.
    await new Promise((resolve) => setImmediate(resolve));
    blockEventLoop(50);
    const counter = setInterval(() => {});
    (function count() {
      turns++;
      if (connections < clients) setImmediate(count);
    })();
    await accepted.promise;
    clearInterval(counter);
    expect(turns).toBeLessThan(clients / 2);
  },
);

test("requests are answered on all connections", async () => {
  const server = createServer((_, response) => void response.end("ok"));
  await listening(server);
  for (let i = 0; i < 40; i++) {
    const socket = open(portOf(server));
    socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1.1 200 .*ok/s);
  }
});

test("a port on which a server listens is in use", async () => {
  const server = createServer();
  await listening(server);
  await expect(listen(createServer(), portOf(server), "127.0.0.1")).rejects.toThrow("EADDRINUSE");
});

test("a port is free when all servers are closed", async () => {
  const server = createServer();
  const servers = await listen(server, 0, "127.0.0.1");
  const port = portOf(server);
  await Promise.all(servers.map((each) => once(each.close(), "close")));
  await listening(createServer(), port);
});
