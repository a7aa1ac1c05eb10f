import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { appUnderTest, houseEngine, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";
import { exchange, parseResponses, rawSocket, readAll } from "./raw-socket.ts";

async function request(
  target: string,
  { method = "GET", headers = "Host: x\r\n", version = "1.1" } = {},
) {
  const text = `${method} ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`;
  const [response] = parseResponses(await exchange(await serve(appUnderTest()), text));
  return response;
}

test.each([
  ["HTTP/1.0 without Host", { headers: "", version: "1.0" }],
  ["HTTP/1.1 without Host", { headers: "" }],
  ["an empty Host", { headers: "Host:\r\n" }],
  ["an invalid Host", { headers: "Host: a/b c\r\n" }],
  ["an unknown expectation", { headers: "Host: x\r\nExpect: patience\r\n" }],
])("a request with %s is accepted", async (_, options) => {
  expect(await request("/hello?name=x", options)).toMatchObject({
    status: 200,
    body: '{"message":"Hello x"}',
  });
});

test("a client that waits for 100 Continue gets it unless its body is too long", async () => {
  const socket = await rawSocket(await serve(appUnderTest()));
  const head = (length: number) =>
    `POST /predict HTTP/1.1\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;
  socket.write(head(2));
  await once(socket, "readable");
  expect(String(socket.read())).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  socket.write("{}");
  await once(socket, "readable");
  expect(String(socket.read())).toMatch(/^HTTP\/1\.1 422 /);
  socket.write(head(2_000_000));
  await once(socket, "readable");
  expect(String(socket.read())).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

describe("100 Continue for a request after another one", () => {
  const get = "GET /hello?name=x HTTP/1.1\r\n\r\n";
  const post = "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n";
  const expecting = `${post}Expect: 100-continue\r\n`;

  test("100 Continue is sent after the response to the earlier request", async () => {
    const socket = await rawSocket(await serve(appUnderTest()));
    let received = "";
    socket.setEncoding("latin1").on("data", (part) => {
      received += part;
    });
    socket.write(`${get}${expecting}Content-Length: 2\r\n\r\n`);
    await vi.waitFor(
      () => expect(received).toMatch(/"Hello x"\}HTTP\/1\.1 100 Continue\r\n\r\n$/),
      waitOptions,
    );
    socket.write("{}");
    await vi.waitFor(
      () => expect(received).toMatch(/Continue\r\n\r\nHTTP\/1\.1 422 .*\}$/s),
      waitOptions,
    );
    socket.destroy();
  });

  test("100 Continue is not mixed with a response that waits for an earlier one", async () => {
    const gate = Promise.withResolvers<Float32Array>();
    const engine = { ...houseEngine, predict: () => gate.promise };
    const socket = await rawSocket(await serve(appUnderTest({ engine })));
    const body = JSON.stringify(house);
    socket.write(`${post}Content-Length: ${body.length}\r\n\r\n${body}${expecting}\r\n`);
    socket.write("GET /hello?name=end HTTP/1.1\r\nConnection: close\r\n\r\n");
    await delay(50);
    gate.resolve(new Float32Array([1]));
    const interim = "HTTP/1.1 100 Continue\r\n\r\n";
    const [first = "", others = ""] = (await readAll(socket)).split(interim);
    expect(parseResponses(first)).toMatchObject([{ status: 200, body: '{"prediction":1}' }]);
    expect(parseResponses(others)).toMatchObject([
      { status: 422, body: expect.stringMatching(/^\{"detail":.*\}$/) },
      { status: 200, body: '{"message":"Hello end"}' },
    ]);
  });
});

describe("a target in absolute form", () => {
  test.each([
    "http://host/hello?name=q",
    "HTTP://HOST/hello?name=q",
    "hTTpS://user@host:8443/hello?name=q",
    "http://[::1]:80/%68ello?name=q",
    "HTTP://a/hello?name=http://b/q&name=q",
  ])("the target %s matches the route of its path", async (target) => {
    expect(await request(target)).toMatchObject({ status: 200, body: '{"message":"Hello q"}' });
  });

  test.each(["http://host", "HTTP://host?name=q", "HTTP://host/", "Http://host/a/../hello"])(
    "the target %s gets 404",
    async (target) => {
      expect(await request(target)).toMatchObject({ status: 404, body: '{"detail":"Not Found"}' });
    },
  );

  test("a redirect does not contain the host of the target", async () => {
    const response = await request("HTTP://evil.example/hello/?name=q");
    expect(response).toMatchObject({ status: 307, headers: { location: "/hello?name=q" } });
  });
});

test.each(["OPTIONS", "GET", "POST"])("%s * gets 404", async (method) => {
  const response = await request("*", { method });
  expect(response).toMatchObject({ status: 404, body: '{"detail":"Not Found"}' });
});

test.each([
  "/./health",
  "/a/../health",
  "/a/%2e%2E/health",
  "/health/.",
  "/hello/./",
  "/..\\health",
  "/health\\",
])("the path %s is not rewritten, so it gets 404", async (target) => {
  expect(await request(target)).toMatchObject({ status: 404, body: '{"detail":"Not Found"}' });
});

test("dots and backslashes in a query are unchanged", async () => {
  const response = await request("/hello?name=/../.\\");
  expect(response?.body).toBe('{"message":"Hello /../.\\\\"}');
});

test.each(["ftp://host/health", "http:/health", "health:1"])(
  "the target %s gets 400 in JSON",
  async (target) => {
    const response = await request(target);
    expect(response).toMatchObject({ status: 400, body: '{"detail":"Bad Request"}' });
  },
);

describe("the Location of a redirect", () => {
  test.each([
    ["/hello/?name='x'&y=%7e", "/hello?name='x'&y=%7e"],
    ["/hello//?", "/hello"],
  ])("%s is redirected to %s, with the same query", async (target, location) => {
    expect((await request(target))?.headers).toMatchObject({ location });
  });

  test("a redirect percent-encodes the same characters as Starlette", async () => {
    const port = await serve(appUnderTest());
    const kept = /[\w\-.~:/?[\]@!$&'()*+,;=%]/;
    for (let byte = 0x21; byte < 0x7f; byte++) {
      const character = String.fromCharCode(byte);
      const text = `GET /hello/?a${character}z HTTP/1.1\r\nConnection: close\r\n\r\n`;
      const [response] = parseResponses(await exchange(port, text));
      const encoded = kept.test(character) ? character : `%${byte.toString(16).toUpperCase()}`;
      const location = character === "#" ? "/hello?a" : `/hello?a${encoded}z`;
      expect(response?.headers).toMatchObject({ location });
    }
  });

  test.each([
    ["a control character", "\t\x01\x7f", "%09%01%7F"],
    ["a line break", "\r\nX-Injected: 1", "%0D%0AX-Injected:%201"],
    ["UTF-8", "\xc3\xa9", "%C3%A9"],
    ["a byte that is not UTF-8", "\xff", "%FF"],
  ])("a redirect percent-encodes %s, which Node.js currently rejects", async (_, text, encoded) => {
    const incoming = { url: `/hello/?a=${text}`, headers: {} };
    const response = await appUnderTest().request("/hello/?a=", {}, { incoming });
    expect(response.headers.get("location")).toBe(`/hello?a=${encoded}`);
  });
});

describe("an idle connection", () => {
  /** Sends a request, and returns the bytes of the response, which arrive together. */
  async function ask(socket: Socket): Promise<string> {
    socket.write("GET /hello?name=x HTTP/1.1\r\nHost: x\r\n\r\n");
    const [chunk] = await once(socket, "data");
    return String(chunk);
  }

  test("an idle connection is kept alive longer than the timeout for headers", async () => {
    // The timeout for headers is 5 seconds longer.
    const port = await serve(appUnderTest(), 1);
    const idle = [4_900, 4_950, 5_000, 5_050, 5_500, 6_000, 7_500].map(async (idleMs) => {
      const socket = await rawSocket(port);
      await ask(socket);
      await delay(idleMs);
      return ask(socket);
    });
    for (const response of await Promise.all(idle)) expect(response).toMatch(/^HTTP\/1.1 200 OK/);
  });

  test("an idle connection is kept alive longer than the load balancers of AWS and Google Cloud keep it", async () => {
    const response = await ask(await rawSocket(await serve(appUnderTest())));
    const [, seconds] = /\r\nKeep-Alive: timeout=(\d+)\r\n/.exec(response) ?? [];
    expect(Number(seconds)).toBeGreaterThan(600);
  });

  test("a connection is closed if the client requests it", async () => {
    const socket = await rawSocket(await serve(appUnderTest()));
    socket.write("GET /hello?name=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await readAll(socket)).toContain("Hello x");
  });
});
