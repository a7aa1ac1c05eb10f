import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { appUnderTest, serve } from "./app-under-test.ts";

/** Sends bytes as they stand, and reads all that comes back. */
async function exchange(text: string): Promise<string> {
  const socket = connect(await serve(appUnderTest()), "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  return Buffer.concat(await socket.toArray()).toString();
}

const get = (target: string, headers = "Host: x\r\n", version = "1.1") =>
  exchange(`GET ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`);

test.each([
  ["HTTP/1.0 without Host", "", "1.0"],
  ["HTTP/1.1 without Host", "", "1.1"],
  ["an empty Host", "Host:\r\n", "1.1"],
  ["an odd Host", "Host: a/b c\r\n", "1.1"],
  ["an expectation that it does not know", "Host: x\r\nExpect: patience\r\n", "1.1"],
])("a request with %s is answered", async (_, headers, version) => {
  const answer = await get("/hello?name=x", headers, version);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('{"message":"Hello x"}');
});

test.each([
  "/./health",
  "/a/../health",
  "/a/%2e%2E/health",
  "/health/.",
  "/hello/./",
  "/..\\health",
  "/health\\",
])("%s is the path that it says, and none of ours", async (target) => {
  const answer = await get(target);
  expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  expect(answer).toContain('{"detail":"Not Found"}');
});

test("dots and backslashes in a query are its own", async () => {
  expect(await get("/hello?name=/../.\\")).toContain('{"message":"Hello /../.\\\\"}');
});

test("a target that is no path is a 400 in JSON", async () => {
  const answer = await get("ftp://host/health");
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('{"detail":"Bad Request"}');
});

test.each([
  ["/hello/?name='x'&y=%7e", "/hello?name='x'&y=%7e"],
  ["/hello//?", "/hello"],
])("%s leads to %s: the query as it was written", async (target, location) => {
  const [, found] = /\r\nlocation: (.*)\r\n/i.exec(await get(target)) ?? [];
  expect(found).toBe(location);
});
