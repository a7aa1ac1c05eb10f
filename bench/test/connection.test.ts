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
  onTestFinished(() => {
    connection.close();
    server.close();
  });
  return connection;
}

const get = requestHead("/health");
const ok = "HTTP/1.1 200 OK\r\nX-Cache: MISS\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 200 OK\r\nX-Cache: MISS\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

test.each([
  ["with a length", ok],
  ["in chunks", chunked],
  ["with an error", ok.replace("200 OK", "422 Unprocessable")],
])("a request gets the whole response %s, however its bytes arrive", async (_, response) => {
  const connection = await connectionTo(async (socket) => {
    for (const byte of response) {
      socket.write(byte);
      await nextTurn();
    }
  });

  for (let request = 0; request < 2; request++) {
    const { status, head } = await connection.send(get);
    expect(status).toBe(response.slice(9, 12));
    expect(headerOf(head, "x-cache")).toBe("MISS");
    expect(connection.isOpen).toBe(true);
  }
});

test("a request is lost if the server closes the connection in the middle of the response", async () => {
  const connection = await connectionTo((socket) => void socket.end(ok.slice(0, -1)));

  expect(await connection.send(get)).toMatchObject({ status: "lost" });
  expect(connection.isOpen).toBe(false);
});

test("a connection is closed if the response has Connection: close", async () => {
  const response = ok.replace("X-Cache", "Connection: close\r\nX-Cache");
  const connection = await connectionTo((socket) => void socket.write(response));

  expect(await connection.send(get)).toMatchObject({ status: "200" });
  expect(connection.isOpen).toBe(false);
});

test("a connection that the server closes while it is idle is not open", async () => {
  const connection = await connectionTo((socket) => void socket.end(ok));

  await connection.send(get);

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

test("an upload stops if the response arrives first", async () => {
  const connection = await connectionTo((socket) => {
    socket.pause().write(ok.replace("200 OK", "413 Content Too Large"));
  });

  expect(await connection.send({ parts: endless() })).toMatchObject({ status: "413" });
  expect(connection.isOpen).toBe(false);
});

test("an upload is refused if the server closes the connection without a response", async () => {
  const connection = await connectionTo((socket) => void socket.destroy());

  expect(await connection.send({ parts: endless() })).toMatchObject({ status: "refused" });
});
