import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { type Load, runLoad } from "../src/load/run-load.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, times: number) => void;
const asTheCache: Answer = (_, response, times) =>
  void response.setHeader("X-Cache", times === 1 ? "MISS" : "HIT").end("{}");

/** Starts a server that counts how often it gets each request. */
async function serve(answer = asTheCache) {
  const requests = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const key = `${request.method} ${request.url} ${await text(request).catch(String)}`;
    const times = (requests.get(key) ?? 0) + 1;
    requests.set(key, times);
    if (request.url === "/health") response.end();
    else answer(request, response, times);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const empty = { "Content-Length": 0 };
const houses = { path: "/predict", houses: 1, clients: 4, seconds: 0.2 };

test("a load of new bodies sends no body twice, not even in the next load", async () => {
  const { origin, requests } = await serve();
  const load: Load = { ...houses, origin, cache: "MISS" };

  const first = await runLoad(load);
  const second = await runLoad(load);

  expect({ ...first.faults, ...second.faults }).toEqual({});
  expect(requests.size).toBe(first.figures.requests + second.figures.requests);
});

test("a load of known bodies fills the cache first", async () => {
  const { origin } = await serve();

  const found = await runLoad({ ...houses, origin, seed: 2, known: 1, cache: "HIT" });

  expect(found.faults).toEqual({});
  expect(found.figures.requests).toBeGreaterThan(4);
});

test("a load counts errors, lost requests and responses with a wrong X-Cache", async () => {
  let served = 0;
  const { origin } = await serve((request, response) => {
    const kind = served++ % 4;
    if (kind === 0) request.socket.destroy();
    else if (kind === 1) response.setHeader("X-Cache", "BYPASS").end();
    else response.writeHead(503, { ...empty, ...(kind === 2 && { "Retry-After": 1 }) }).end();
  });

  const { figures, faults } = await runLoad({ ...houses, origin, seed: 5, cache: "MISS" });

  expect(Object.keys(faults).sort()).toEqual(["503", "503 without Retry-After", "BYPASS", "lost"]);
  expect(Object.values(faults).reduce((sum, count) => sum + count)).toBe(figures.requests);
  expect(figures.right).toBe(0);
});

test("a load can mix known and new bodies, with /health before each request", async () => {
  const { origin, requests } = await serve();

  const mixed = { ...houses, known: 0.5, healthFirst: true, cache: "HIT" } as const;
  const { figures, faults } = await runLoad({ ...mixed, origin, seed: 6 });

  expect(requests.get("GET /health ")).toBe(figures.requests / 2);
  expect(faults).toEqual({ MISS: expect.any(Number) });
  expect(Math.abs(figures.right / figures.requests - 0.75)).toBeLessThan(0.15);
});

test.each([{ perSecond: 200 }, { pauseMs: 5 }])("a load with %j can be stopped", async (pace) => {
  const { origin, requests } = await serve();
  const stop = new AbortController();

  const running = runLoad({ origin, path: "/health", ...pace }, stop.signal);
  setTimeout(() => stop.abort(), 100);

  const { figures } = await running;
  expect(figures.right).toBe(requests.get("GET /health "));
});

test("a load of a hostile body sends it in each round, and counts clients that leave", async () => {
  const { origin } = await serve((_, response) => void response.writeHead(422, empty).end());
  const load = { origin, path: "", clients: 2, rounds: 2, seconds: 0 };

  const sent = await runLoad({ ...load, hostile: "deep lists" });
  const left = await runLoad({ ...load, hostile: "clients that leave halfway" });

  const none = { requests: 4, right: 0, "p99 ms": Number.NaN };
  expect(sent).toMatchObject({ figures: none, faults: { 422: 4 } });
  expect(left).toMatchObject({ figures: none, faults: { left: 4 } });
});
