import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Engine } from "../src/model/engine.ts";
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
  await vi.waitFor(() => expect(idle.closed).toBe(true));
  for (const socket of [used, third, fourth]) expect(await answers(socket)).toBe(true);
});

test("with only busy connections, a new one is closed", async () => {
  const port = await serve(appUnderTest(), 30_000, 2);
  const busy = await Promise.all([open(port), open(port)]);
  for (const socket of busy) socket.write("POST /predict HTTP/1.1\r\nContent-Length: 9\r\n\r\n{");
  await delay(100);
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
  await vi.waitFor(() => expect(signals).toHaveLength(3));
  socket.destroy();
  await vi.waitFor(() =>
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true]),
  );
});
