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
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const houses = { path: "/predict", houses: 1, clients: 4, seconds: 0.2 };

test("a load of new bodies sends no body twice, not even in the next load", async () => {
  const { origin, requests } = await serve();
  const load: Load = { ...houses, origin, cache: "MISS" };

  const first = await runLoad(load);
  const second = await runLoad(load);

  expect(first).toMatchObject({ faults: {}, hitShare: 0 });
  expect(second).toMatchObject({ faults: {}, hitShare: 0 });
  expect(requests.size).toBe(first.requests + second.requests);
});

test("a load of known bodies fills the cache first", async () => {
  const { origin } = await serve();

  const found = await runLoad({ ...houses, origin, seed: 2, known: 1, cache: "HIT" });

  expect(found).toMatchObject({ faults: {}, hitShare: 1 });
  expect(found.requests).toBeGreaterThan(4);
});

test("a load counts each response with a wrong X-Cache", async () => {
  const { origin } = await serve((_, response) => {
    response.setHeader("X-Cache", "BYPASS").end();
  });

  const { requests, faults } = await runLoad({ ...houses, origin, seed: 4, cache: "MISS" });

  expect(faults).toEqual({ BYPASS: requests });
});

test("a load counts errors and lost requests", async () => {
  let served = 0;
  const { origin } = await serve((request, response) => {
    if (++served % 3 === 0) request.socket.destroy();
    else response.writeHead(503, served % 3 === 1 ? { "Retry-After": "1" } : {}).end();
  });

  const { requests, faults } = await runLoad({ ...houses, origin, seed: 5 });

  expect(Object.keys(faults).sort()).toEqual(["503", "503 without Retry-After", "lost"]);
  expect(Object.values(faults).reduce((sum, count) => sum + count)).toBe(requests);
});

test("a load can mix known and new bodies, with /health before each request", async () => {
  const { origin, requests } = await serve();

  const found = await runLoad({ ...houses, origin, seed: 6, known: 0.5, healthFirst: true });

  expect(requests.get("GET /health ")).toBe(found.requests / 2);
  expect(Math.abs(found.hitShare - 0.5)).toBeLessThan(0.3);
});

test.each([{ perSecond: 200 }, { pauseMs: 5 }])(
  "a load with %j ends when it is stopped",
  async (pace) => {
    const { origin } = await serve();
    const stop = new AbortController();

    const running = runLoad({ origin, path: "/health", ...pace }, stop.signal);
    setTimeout(() => stop.abort(), 100);

    expect(await running).toMatchObject({ requests: expect.any(Number), faults: {} });
  },
);

test("a load of a hostile body sends it at least as often as it says, and counts those who leave", async () => {
  const { origin } = await serve((_, response) => void response.writeHead(422).end());
  const load = { origin, path: "", clients: 2, rounds: 2, seconds: 0 };
  const bodies = { fuzz: 0, seed: 1 };

  const sent = await runLoad({ ...load, hostile: { ...bodies, name: "deep lists" } });
  const left = await runLoad({
    ...load,
    hostile: { ...bodies, name: "clients that leave halfway" },
  });

  expect(sent).toMatchObject({ requests: 4, p99: Number.NaN, faults: { 422: 4 } });
  expect(left).toMatchObject({ requests: 4, faults: { left: 4 } });
});
