import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { TimeoutError, withTimeout } from "../src/timeout.ts";
import { blockEventLoop } from "./event-loop.ts";

test("a promise that does not settle in time is rejected with TimeoutError", async () => {
  await expect(withTimeout(20, new Promise(() => {}))).rejects.toThrow(TimeoutError);
});

test("a promise that settles in time keeps its value or error", async () => {
  expect(await withTimeout(1_000, Promise.resolve(1))).toBe(1);
  await expect(withTimeout(1_000, Promise.reject(new RangeError("no")))).rejects.toThrow(
    RangeError,
  );
});

describe("a blocked event loop", () => {
  // Within a quarter of it, the thread must get processor time.
  const timeoutMs = 1_000;
  const longMs = 1.5 * timeoutMs;
  let worker: Worker;
  let port: number;
  let socket: Socket;

  beforeAll(async () => {
    worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const server = require("node:net").createServer((socket) => socket.pipe(socket));
       server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    [port] = await once(worker, "message");
  });
  afterAll(() => worker.terminate());
  beforeEach(async () => {
    socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
  });

  /** Sends at the end of this turn of the event loop, as node-redis does. */
  function ask(): Promise<unknown> {
    setImmediate(() => socket.write("?"));
    return once(socket, "data");
  }

  test("no timeout occurs if the event loop is blocked before the request is sent", async () => {
    const reply = withTimeout(timeoutMs, ask());
    blockEventLoop(longMs);
    await reply;
  });

  test("no timeout occurs if the event loop was blocked earlier in the same turn", async () => {
    await delay(1);
    blockEventLoop(longMs);
    await withTimeout(timeoutMs, ask());
  });

  test.each([25, 250, 600, 900])(
    "no timeout occurs if the event loop is blocked %s ms later",
    async (afterMs) => {
      const reply = withTimeout(timeoutMs, ask());
      setTimeout(() => blockEventLoop(longMs), afterMs);
      await reply;
    },
  );

  test("no timeout occurs if the event loop is blocked repeatedly while the reply arrives", async () => {
    const reply = withTimeout(timeoutMs, ask());
    const blocking = setInterval(() => blockEventLoop(longMs), 1);
    onTestFinished(() => clearInterval(blocking));
    blockEventLoop(longMs);
    await reply;
  });
});

test("a blocked event loop does not prevent the timeout if the server does not reply", async () => {
  const blocking = setInterval(() => blockEventLoop(50), 1);
  onTestFinished(() => clearInterval(blocking));
  await expect(withTimeout(20, new Promise(() => {}))).rejects.toThrow(TimeoutError);
});
