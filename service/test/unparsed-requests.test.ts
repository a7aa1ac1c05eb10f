import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { appUnderTest, firstFeatureEngine, houseEngine, serve } from "./app-under-test.ts";
import { house as exampleHouse } from "./house-model.ts";
import { exchange, parseResponses, rawSocket, readAll } from "./raw-socket.ts";

const badRequest = [400, '{"detail":"Bad Request"}'];
const tooLarge = [413, '{"detail":"Content Too Large"}'];
const headersTooLarge = [431, '{"detail":"Request Header Fields Too Large"}'];
const timedOut = [408, '{"detail":"Request Timeout"}'];
const notFound = [404, '{"detail":"Not Found"}'];
const hello = [200, '{"message":"Hello x"}'];

const get = "GET /hello?name=x HTTP/1.1\r\nHost: x\r\n";
const post = "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const prediction = JSON.stringify(exampleHouse);
const predict = `${post}Content-Length: ${prediction.length}\r\n\r\n${prediction}`;

const outcomes = (text: string) => parseResponses(text).map(({ status, body }) => [status, body]);

/** Serves an app whose model predicts only after `open` is called. */
async function serveWithGate() {
  const { predict } = firstFeatureEngine();
  const gate = Promise.withResolvers<void>();
  const port = await serve(
    appUnderTest({
      engine: { ...houseEngine, predict: (matrix) => gate.promise.then(() => predict(matrix)) },
    }),
  );
  return { port, open: gate.resolve };
}

describe("a request that Node.js cannot parse", () => {
  test.each([
    ["an unknown method", "FOO / HTTP/1.1\r\n\r\n", badRequest],
    ["a method in lower case", "get / HTTP/1.1\r\n\r\n", badRequest],
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00", badRequest],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badRequest],
    ["an unknown version", "GET / HTTP/9.9\r\n\r\n", badRequest],
    ["a space in the path", "GET /a b HTTP/1.1\r\n\r\n", badRequest],
    ["a control character in the path", "GET /\x01 HTTP/1.1\r\n\r\n", badRequest],
    ["a byte beyond ASCII in the query", "GET /hello/?name=\xe9 HTTP/1.1\r\n\r\n", badRequest],
    ["lines that end in LF", "GET / HTTP/1.1\nHost: x\n\n", badRequest],
    ["a space in a header name", "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", badRequest],
    ["a header without a colon", "GET / HTTP/1.1\r\nx\r\n\r\n", badRequest],
    ["a NUL in a header", "GET / HTTP/1.1\r\nX: \0\r\n\r\n", badRequest],
    ["a header over two lines", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", badRequest],
    ["a length that is not a number", `${post}Content-Length: x\r\n\r\n`, badRequest],
    ["two lengths", `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, badRequest],
    [
      "a length and chunks",
      `${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      badRequest,
    ],
    ["an unknown transfer encoding", `${post}Transfer-Encoding: x\r\n\r\n`, badRequest],
    ["a malformed chunk", `${chunked}zz\r\n`, badRequest],
    ["a malformed chunk after a good one", `${chunked}2\r\n{}\r\nzz\r\n`, badRequest],
    ["a chunk longer than it says", `${chunked}2\r\n{}{}\r\n`, badRequest],
    ["a chunk extension that is too long", `${chunked}1;${"x".repeat(20_000)}\r\n`, tooLarge],
    ["a path that is too long", `GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`, headersTooLarge],
    ["a header that is too long", `${get}Cookie: ${"x".repeat(70_000)}\r\n\r\n`, headersTooLarge],
    ["too many headers", `${get}${"a: b\r\n".repeat(50_000)}\r\n`, headersTooLarge],
    [
      "a trailer that is too long",
      `${chunked}0\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
      headersTooLarge,
    ],
    [
      "CONNECT, which is parsed but has no path",
      "CONNECT example.com:443 HTTP/1.1\r\n\r\n",
      notFound,
    ],
  ])("%s gets an error in JSON, and the connection closes", async (_, text, expected) => {
    const responses = parseResponses(await exchange(await serve(appUnderTest()), text));
    expect(responses.map(({ status, body }) => [status, body])).toEqual([expected]);
    expect(responses[0]?.headers).toEqual({
      "content-type": "application/json",
      "content-length": String(expected[1]).length.toString(),
      connection: "close",
      date: expect.stringMatching(/ GMT$/),
    });
  });

  test.each([
    ["its headers", "GET / HTT"],
    ["its body", `${post}Content-Length: 9\r\n\r\n{`],
    ["a chunk", `${chunked}9\r\n{`],
    ["its chunks", `${chunked}1\r\n{\r\n`],
  ])("a request that ends within %s gets an error in JSON", async (_, text) => {
    const socket = await rawSocket(await serve(appUnderTest()));
    socket.end(text);
    expect(outcomes(await readAll(socket))).toEqual([badRequest]);
  });

  test("a connection without a complete request within the timeout gets an error in JSON", async () => {
    const port = await serve(appUnderTest(), 1);
    const half = "GET / HTT";
    const texts = ["", half, `${get}\r\n${half}`];
    const responses = await Promise.all(texts.map((text) => exchange(port, text)));
    expect(responses.map(outcomes)).toEqual([[timedOut], [timedOut], [hello, timedOut]]);
  });
});

test("headers of 64 KiB are accepted, in the request line and after it", async () => {
  const port = await serve(appUnderTest());
  const padding = "x".repeat(65_000);
  const cookie = await exchange(port, `${get}Cookie: ${padding}\r\nConnection: close\r\n\r\n`);
  expect(outcomes(cookie)).toEqual([hello]);
  const long = `GET /hello?a=${padding}&name=x HTTP/1.1\r\nConnection: close\r\n\r\n`;
  expect(outcomes(await exchange(port, long))).toEqual([hello]);
});

describe("responses in flight on the connection", () => {
  const invalid = "FOO / HTTP/1.1\r\n\r\n";

  test.each([
    ["an unknown method", invalid, badRequest],
    ["headers that are too long", `${get}X: ${"x".repeat(70_000)}\r\n\r\n`, headersTooLarge],
    ["a malformed chunk", `${chunked}zz\r\n`, badRequest],
    ["CONNECT", "CONNECT example.com:443 HTTP/1.1\r\n\r\n", notFound],
  ])("the error response to %s waits for two predictions", async (_, text, expected) => {
    const { port, open } = await serveWithGate();
    const socket = await rawSocket(port);
    socket.write(predict + predict + text);
    await delay(100);
    // Everything after an invalid request is ignored.
    socket.write(invalid + predict);
    await delay(100);
    expect(socket.bytesRead).toBe(0);
    open();
    const value = `{"prediction":${Math.fround(exampleHouse.MedInc)}}`;
    expect(outcomes(await readAll(socket))).toEqual([[200, value], [200, value], expected]);
  });

  test("a long response is completed before the error response", async () => {
    const socket = await rawSocket(await serve(appUnderTest()));
    socket.write(`GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n\r\n`);
    await once(socket, "readable");
    socket.write(invalid);
    await delay(100);
    const [asset, error, ...others] = parseResponses(await readAll(socket));
    expect(asset?.body).toHaveLength(Number(asset?.headers["content-length"]));
    expect(asset?.body.length).toBeGreaterThan(1_000_000);
    expect([error?.status, error?.body]).toEqual(badRequest);
    expect(others).toEqual([]);
  });

  test("a request whose body turns out to be invalid gets no second response", async () => {
    const port = await serve(appUnderTest());
    const socket = await rawSocket(port);
    socket.write(`${get}Transfer-Encoding: chunked\r\n\r\n`);
    await once(socket, "readable");
    socket.write("zz\r\n");
    expect(outcomes(await readAll(socket))).toEqual([hello]);
  });

  test("bytes after a request with Connection: close are ignored", async () => {
    const port = await serve(appUnderTest());
    const responses = await exchange(port, `${get}Connection: close\r\n\r\n${invalid}`);
    expect(outcomes(responses)).toEqual([hello]);
  });
});

test("a client that keeps sending can read the error response, and is then disconnected", async () => {
  const socket = await rawSocket(await serve(appUnderTest()));
  const closed = once(
    socket.on("error", () => {}),
    "close",
  );
  const sending = setInterval(() => socket.write("x".repeat(100_000)), 5);
  socket.write(`${get}X: `);
  await delay(200);
  let text = "";
  // An iterator would throw if the connection is reset after the response.
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await closed;
  clearInterval(sending);
  expect(outcomes(text)).toEqual([headersTooLarge]);
});

test("a client that resets its connection does not disturb others", async () => {
  const port = await serve(appUnderTest());
  for (const text of ["", "GET / HTT", `${chunked}9\r\n{`, "CONNECT a:1 HTTP/1.1\r\n\r\n"]) {
    const socket = await rawSocket(port);
    socket.write(text, () => socket.resetAndDestroy());
    await once(socket, "close");
  }
  expect(outcomes(await exchange(port, `${get}Connection: close\r\n\r\n`))).toEqual([hello]);
});
