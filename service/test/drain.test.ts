import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { trackConnections } from "../src/connections.ts";
import { drain } from "../src/drain.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { silentLogger } from "./app-under-test.ts";

const hourMs = 3_600_000;

async function drainable(listener: RequestListener) {
  const server = createServer({ keepAliveTimeout: hourMs }, listener);
  server.on("checkExpectation", listener);
  const connections = trackConnections(server, 100, new Metrics());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    drain: (timeoutMs: number) =>
      drain(
        { server, connections },
        { listeners: [server], logger: silentLogger, drainSeconds: 0, timeoutMs },
      ),
  };
}

/** Sends a request, and waits for the first bytes of its response. */
async function ask(port: number) {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "readable");
  return socket;
}

test("a connection that becomes idle while draining is closed", async () => {
  const started = Promise.withResolvers<ServerResponse>();
  const server = await drainable((_, response) => {
    // Sent before draining, so without `Connection: close`.
    response.write("started");
    started.resolve(response);
  });
  const socket = await ask(server.port);
  const response = await started.promise;
  setTimeout(() => response.end(", finished"), 200);
  await server.drain(hourMs);
  expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/started.*, finished/s);
});

test.each(["request", "request with an Expect header"])(
  "the response to a %s in flight is not cut off",
  async (kind) => {
    const received = Promise.withResolvers<ServerResponse>();
    const server = await drainable((_, response) => received.resolve(response));
    const socket = connect(server.port, "127.0.0.1");
    const expectation = kind === "request" ? "" : "Expect: patience\r\n";
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${expectation}\r\n`);
    const text = socket.toArray();
    const response = await received.promise;
    const drained = server.drain(hourMs);
    await delay(200);
    response.end("ok");
    await drained;
    expect(Buffer.concat(await text).toString()).toMatch(/^HTTP\/1.1 200 .*ok/s);
  },
);

test("a request that does not finish within the timeout is cut off", async () => {
  const server = await drainable((_, response) => void response.write("started"));
  const socket = await ask(server.port);
  const closed = once(socket.resume(), "close");
  await server.drain(50);
  await closed;
});
