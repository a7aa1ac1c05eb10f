import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Connection, headerOf, requestHead } from "../src/load/connection.ts";

async function connectionTo(answer: (socket: Socket, received: string) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("data", (bytes) => answer(socket, String(bytes)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const connection = new Connection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => connection.close());
  onTestFinished(() => void server.close());
  return connection;
}

const get = requestHead("/health");
const ok = "HTTP/1.1 200 OK\r\nX-Cache: MISS\r\nContent-Length: 5\r\n\r\nhello";
const closing = ok.replace("X-Cache", "Connection: close\r\nX-Cache");
const tooLarge = ok.replace("200 OK", "413 Content Too Large");

test("a request gets the whole response, however its bytes arrive", async () => {
  const connection = await connectionTo(async (socket) => {
    for (const byte of ok) {
      socket.write(byte);
      await nextTurn();
    }
  });

  for (let request = 0; request < 2; request++) {
    const { status, head } = await connection.send(get);
    expect(status).toBe("200");
    expect(headerOf(head, "x-cache")).toBe("MISS");
    expect(connection.isOpen).toBe(true);
  }
});

test.each([
  ["is not complete", ok.slice(0, -1)],
  ["has no length", ok.replace("Content-Length", "X-Length")],
])("a request is lost if the response %s", async (_, response) => {
  const connection = await connectionTo((socket) => void socket.end(response));

  expect(await connection.send(get)).toMatchObject({ status: "lost" });
  expect(connection.isOpen).toBe(false);
});

test.each([
  ["says Connection: close", (socket: Socket) => void socket.write(closing)],
  ["is the last one", (socket: Socket) => void socket.end(ok)],
])("a connection is not open after a response that %s", async (_, answer) => {
  const connection = await connectionTo(answer);

  expect(await connection.send(get)).toMatchObject({ status: "200" });
  await expect.poll(() => connection.isOpen).toBe(false);
});

const part = Buffer.alloc(1024 * 1024);
function* endless() {
  yield Buffer.from(requestHead("/predict", 1e12));
  for (;;) yield part;
}

test("an upload sends all its parts", async () => {
  let received = "";
  const connection = await connectionTo((socket, text) => {
    received += text;
    if (received.endsWith("abc")) socket.write(ok);
  });

  const parts = [requestHead("/predict", 3), "a", "bc"].map((text) => Buffer.from(text));
  expect(await connection.send({ parts })).toMatchObject({ status: "200" });
  expect(received).toBe(`${requestHead("/predict", 3)}abc`);
});

test.each([
  ["413", "the response arrives first", (socket: Socket) => void socket.pause().write(tooLarge)],
  ["refused", "the server closes the connection", (socket: Socket) => void socket.destroy()],
])("an upload ends with %s if %s", async (status, _, answer) => {
  const connection = await connectionTo(answer);

  expect(await connection.send({ parts: endless() })).toMatchObject({ status });
  expect(connection.isOpen).toBe(false);
});
