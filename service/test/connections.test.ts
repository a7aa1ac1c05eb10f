import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { trackConnections } from "../src/connections.ts";
import type { Engine } from "../src/model/engine.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { appUnderTest, houseEngine, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

const get = "GET /hello?name=x HTTP/1.1\r\nHost: x\r\n\r\n";

async function answers(socket: Socket): Promise<boolean> {
  socket.write(get);
  const [bytes] = await once(socket, "data");
  return String(bytes).startsWith("HTTP/1.1 200 ");
}

test("with too many connections, the oldest idle one is closed, and the others still work", async () => {
  const port = await serve(appUnderTest(), 30_000, 3);
  const idle = await open(port);
  const used = await open(port);
  expect(await answers(used)).toBe(true);
  const third = await open(port);
  expect(idle.closed).toBe(false);
  const fourth = await open(port);
  await vi.waitFor(() => expect(idle.closed).toBe(true), waitOptions);
  for (const socket of [used, third, fourth]) expect(await answers(socket)).toBe(true);
});

test("with too many connections, the one that has been idle for the longest time is closed", async () => {
  const port = await serve(appUnderTest(), 30_000, 3);
  const sockets = [await open(port), await open(port), await open(port)] as const;
  for (const socket of sockets) expect(await answers(socket)).toBe(true);
  expect(await answers(sockets[0])).toBe(true);
  await open(port);
  await vi.waitFor(() => expect(sockets[1].closed).toBe(true), waitOptions);
  for (const socket of [sockets[0], sockets[2]]) expect(await answers(socket)).toBe(true);
});

test("a connection whose request has not been read yet is not closed as idle", async () => {
  const server = createServer((_, response) => void response.end("ok"));
  const connections = trackConnections(server, 1, new Metrics());
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const first = await open(port);
  await vi.waitFor(() => expect(connections.size).toBe(1), waitOptions);
  first.write(get);
  // As if the connection were accepted before the request is read.
  server.emit("connection", new Socket());
  const [bytes] = await once(first, "data");
  expect(String(bytes)).toMatch(/^HTTP\/1.1 200 /);
  expect(first.closed).toBe(false);
});

test("after a burst of too many connections, only as many idle ones stay open as allowed", async () => {
  const port = await serve(appUnderTest(), 30_000, 2);
  const sockets = [await open(port), await open(port)];
  for (const socket of sockets) socket.write(get);
  sockets.push(...(await Promise.all([open(port), open(port), open(port)])));
  await delay(50);
  sockets.push(await open(port));
  for (const socket of sockets) socket.resume();
  await vi.waitFor(
    () => expect(sockets.filter(({ closed }) => !closed)).toHaveLength(2),
    waitOptions,
  );
});

test("with only busy connections, a new one is closed", async () => {
  const port = await serve(appUnderTest(), 30_000, 2);
  const busy = await Promise.all([open(port), open(port)]);
  for (const socket of busy) {
    socket.write("POST /predict HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    // The service has read the request, and asks for its body.
    await once(socket, "data");
  }
  const extra = await open(port);
  await new Promise((closed) => extra.once("close", closed).resume());
  expect(busy.map(({ closed }) => closed)).toEqual([false, false]);
});

test("pipelined requests are cancelled when their connection closes", async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const engine: Engine = {
    ...houseEngine,
    predict(_, client) {
      signals.push(client?.signal);
      return Promise.withResolvers<never>().promise;
    },
  };
  const socket = await open(await serve(appUnderTest({ engine })));
  for (const MedInc of [1, 2, 3]) {
    const body = JSON.stringify({ ...house, MedInc });
    const headers = `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    socket.write(`POST /predict HTTP/1.1\r\n${headers}\r\n\r\n${body}`);
  }
  await vi.waitFor(() => expect(signals).toHaveLength(3), waitOptions);
  socket.destroy();
  await vi.waitFor(
    () => expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true]),
    waitOptions,
  );
});
