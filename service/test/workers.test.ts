import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { copyLines } from "../src/workers/primary.ts";
import { valueIn } from "./exposition-parser.ts";
import { house } from "./house-model.ts";
import { stallForever, whenImporting } from "./preload.ts";
import { rawSocket } from "./raw-socket.ts";
import { startService } from "./service-process.ts";

type Environment = Record<string, string>;

/** Starts the service, and waits until the given number of workers listen. */
async function startWorkers(count: number, environment: Environment = {}) {
  const service = startService({ WORKERS: String(count), ...environment });
  const listens = () => service.log.filter(({ msg }) => msg === "listening");
  /** The process ids of all workers that have listened so far. */
  const pids = () => listens().map(({ pid }) => pid);
  const listening = (total: number) => vi.waitUntil(() => pids().length >= total, waitOptions);
  await listening(count);
  return { ...service, port: await service.port(), listens, pids, listening };
}

type Service = Awaited<ReturnType<typeof startWorkers>>;

const body = JSON.stringify(house);
const head = (requestId: string) =>
  `POST /predict HTTP/1.1\r\nx-request-id: ${requestId}\r\ncontent-type: application/json\r\n` +
  `content-length: ${body.length}\r\n\r\n`;

/** The statuses of all responses that arrive on a connection. */
function statusesOn(socket: Socket): number[] {
  const statuses: number[] = [];
  socket.setEncoding("latin1").on("data", (text: string) => {
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) statuses.push(Number(status));
  });
  return statuses;
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {}).once("close", () => resolve());
  });
}

/** Sends predictions on one connection, each after the response to the last, until stopped. */
async function steadyClient(port: number, requestId: string) {
  const socket = await rawSocket(port);
  const statuses = statusesOn(socket);
  let sent = 0;
  const send = () => {
    sent++;
    socket.write(head(requestId) + body);
  };
  let isStopped = false;
  socket.on("data", () => {
    if (!isStopped) send();
  });
  const closed = untilClosed(socket);
  send();
  return {
    requestId,
    statuses,
    closed,
    /** Waits for the last response. @returns the number of requests that got none */
    async stop(): Promise<number> {
      isStopped = true;
      await vi.waitUntil(() => socket.closed || statuses.length === sent, waitOptions);
      socket.destroy();
      return sent - statuses.length;
    },
  };
}

/** The worker that answered a request. */
const workerOf = ({ log }: Service, requestId: string) =>
  vi.waitUntil(() => log.find((line) => line.requestId === requestId)?.pid, waitOptions);

/** Opens the first two connections of a service, which its two workers get in turn. */
async function connectToBoth({ port }: Service) {
  return [await rawSocket(port), await rawSocket(port)] as const;
}

/** Sends a prediction on a connection, and waits for the response. */
async function predictOn(socket: Socket, requestId: string): Promise<void> {
  socket.write(head(requestId) + body);
  await once(socket, "data");
}

async function scrape(port: number): Promise<string> {
  const headers = { connection: "close" };
  return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
}

describe("a start with several workers", () => {
  test("WORKERS=1 does not load the code for several processes", async () => {
    const NODE_OPTIONS = whenImporting("workers/primary.ts", 'process.stderr.write("loaded")');
    const stderrOf = async (WORKERS: string) => {
      const service = startService({ NODE_OPTIONS, WORKERS });
      await service.port();
      service.signal("SIGTERM");
      expect(await service.exitStatus()).toBe(0);
      return service.stderr();
    };
    expect(await stderrOf("1")).toBe("");
    expect(await stderrOf("2")).toBe("loaded");
  });

  test("all workers listen on the same port if PORT is 0, and get connections in turn", async () => {
    const service = await startWorkers(3);
    const listening = service.log.filter(({ msg }) => msg === "listening");
    const ports = listening.map(({ address }) => address?.port);
    expect(new Set(ports)).toEqual(new Set([service.port]));
    const answered = (worker: number) =>
      service.log.filter(({ msg, pid }) => msg === "request" && pid === worker).length;
    // Ten each after thirty requests, unless a worker is busy at its turn.
    await vi.waitUntil(async () => {
      const headers = { connection: "close" };
      await fetch(`http://127.0.0.1:${service.port}/hello?name=x`, { headers });
      return service.pids().every((worker) => answered(worker) >= 10);
    }, waitOptions);
  });

  test.each<[what: string, environment: Environment, message: string]>([
    [
      "a setting is invalid",
      { PORT: "x" },
      'PORT: found "x"; allowed: an integer from 0 to 65535\n',
    ],
    ["there is no model", { MODEL_PATH: "/no/model.onnx" }, "cannot read /no/model.onnx\n"],
  ])("the process exits with status 1 and says why once if %s", async (_, environment, message) => {
    const service = startService({ WORKERS: "3", ...environment });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toBe(message);
  });

  test("the process exits with status 1 and says why once if the port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const service = startService({ WORKERS: "3", PORT: String(port) });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toMatch(
      /^HOST, PORT: cannot listen on 127\.0\.0\.1, port \d+: .*EADDRINUSE.*\n$/,
    );
  });

  test("SIGTERM ends the process while one worker listens and another one starts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "workers-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const code = `
      const { mkdirSync } = await import("node:fs");
      if (mkdirSync(${JSON.stringify(join(folder, "first"))}, { recursive: true }) === undefined) {
        ${stallForever}
      }`;
    const service = startService({ WORKERS: "2", NODE_OPTIONS: whenImporting("service.ts", code) });
    const port = await service.port();
    await vi.waitUntil(() => service.stderr() === "stalled", waitOptions);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
  });
});

describe("a worker that crashes", () => {
  test("requests of other workers do not fail while a worker crashes, and it is replaced", async () => {
    const service = await startWorkers(2);
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, index) => steadyClient(service.port, `client-${index}`)),
    );
    const workers = await Promise.all(clients.map(({ requestId }) => workerOf(service, requestId)));
    const [victim = 0] = service.pids();
    process.kill(victim, "SIGKILL");
    await service.listening(3);
    const lost = await Promise.all(clients.map((client) => client.stop()));
    const expected = workers.map((worker) => (worker === victim ? 1 : 0));
    expect(new Set(expected)).toEqual(new Set([0, 1]));
    expect(lost).toEqual(expected);
    for (const { statuses } of clients) expect(new Set(statuses)).toEqual(new Set([200]));
    expect(service.log.find(({ msg }) => msg === "the worker ended")).toMatchObject({
      ...{ level: 50, worker: victim, code: null, signal: "SIGKILL", restartInMs: 100 },
    });
    const replacement = service.pids().at(-1);
    for (const requestId of ["new-1", "new-2"]) {
      const client = await steadyClient(service.port, requestId);
      await vi.waitUntil(() => client.statuses.length > 0, waitOptions);
      await client.stop();
    }
    expect(await Promise.all(["new-1", "new-2"].map((id) => workerOf(service, id)))).toContain(
      replacement,
    );
  });

  test("a connection that is being passed to a crashing worker is closed", async () => {
    const service = await startWorkers(2);
    const [victim = 0] = service.pids();
    process.kill(victim, "SIGSTOP");
    const sockets = await Promise.all([1, 2, 3, 4].map(() => rawSocket(service.port)));
    const closed = sockets.map(untilClosed);
    const statuses = sockets.map(statusesOn);
    for (const [index, socket] of sockets.entries()) socket.write(head(`id-${index}`) + body);
    await vi.waitUntil(() => statuses.flat().length === 3, waitOptions);
    process.kill(victim, "SIGKILL");
    await closed[statuses.findIndex(({ length }) => length === 0)];
    expect(statuses.flat()).toEqual([200, 200, 200]);
  });

  test("the delay before a crashing worker restarts grows with each crash", async () => {
    const service = await startWorkers(2);
    for (const total of [3, 4, 5]) {
      process.kill(service.pids().at(-1) ?? 0, "SIGKILL");
      await service.listening(total);
    }
    const restarts = service.log.filter(({ msg }) => msg === "the worker ended");
    expect(restarts).toMatchObject([100, 200, 400].map((restartInMs) => ({ restartInMs })));
  });
});

describe("a stop of several workers", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "all workers drain after %s: no request is lost under load",
    async (signal) => {
      const service = await startWorkers(2, { DRAIN_SECONDS: "5" });
      const url = `http://127.0.0.1:${service.port}`;
      let isStopping = false;
      let answered = 0;
      // Like a load balancer, they stop sending when /health responds with 503.
      const clients = Array.from({ length: 16 }, async () => {
        while (!isStopping) {
          const headers = { "content-type": "application/json" };
          const response = await fetch(`${url}/predict`, { method: "POST", headers, body });
          expect(response.status).toBe(200);
          await response.text();
          answered++;
        }
      });
      await vi.waitUntil(() => answered > 100, waitOptions);
      service.signal(signal);
      await vi.waitUntil(async () => (await fetch(`${url}/health`)).status === 503, waitOptions);
      await delay(300);
      isStopping = true;
      await Promise.all(clients);
      expect(await service.exitStatus()).toBe(0);
      const logged = (wanted: string) => service.log.filter(({ msg }) => msg === wanted);
      expect(logged("stopped").map(({ pid }) => pid)).toHaveLength(2);
      expect(logged("stopping")).toMatchObject([{ signal }, { signal }]);
      expect(logged("request")).toHaveLength(answered);
    },
  );

  test("requests in flight on each worker get their responses after SIGTERM", async () => {
    const service = await startWorkers(2);
    const sockets = await connectToBoth(service);
    const statuses = sockets.map(statusesOn);
    for (const [index, socket] of sockets.entries()) {
      socket.write(head(`slow-${index}`) + body.slice(0, 20));
    }
    // The third one is the scrape.
    await vi.waitUntil(
      async () => (await scrape(service.port)).includes("\nhttp_requests_in_flight 3\n"),
      waitOptions,
    );
    service.signal("SIGTERM");
    const draining = () => service.log.filter(({ msg }) => msg === "draining");
    await vi.waitUntil(() => draining().length === 2, waitOptions);
    for (const socket of sockets) socket.write(body.slice(20));
    expect(await service.exitStatus()).toBe(0);
    expect(statuses).toEqual([[200], [200]]);
  });

  test("a signal that all processes receive counts once", async () => {
    const service = await startWorkers(2, { DRAIN_SECONDS: "5" });
    for (const pid of service.pids()) process.kill(pid, "SIGTERM");
    service.signal("SIGTERM");
    await service.logged("draining");
    expect((await fetch(`http://127.0.0.1:${service.port}/health`)).status).toBe(503);
    expect(await service.exitStatus()).toBe(0);
    expect(service.log.filter(({ msg }) => msg === "stopped")).toHaveLength(2);
  });

  test.each<[what: string, end: (service: Service) => void, status: number | null]>([
    [
      "after a second SIGTERM",
      ({ signal }) => {
        signal("SIGTERM");
        signal("SIGINT");
      },
      1,
    ],
    ["if the first process is killed", ({ signal }) => signal("SIGKILL"), null],
  ])("all workers end immediately %s", async (_, end, status) => {
    const service = await startWorkers(2, { DRAIN_SECONDS: "60" });
    const clients = await Promise.all([1, 2].map((id) => steadyClient(service.port, `c-${id}`)));
    const workers = clients.map(({ requestId }) => workerOf(service, requestId));
    expect(new Set(await Promise.all(workers)).size).toBe(2);
    end(service);
    expect(await service.exitStatus()).toBe(status);
    // The connections belong to the workers.
    await Promise.all(clients.map(({ closed }) => closed));
  });
});

describe("the log of several workers", () => {
  test("log lines of workers are copied as a whole, and a line that a crash cut off gets its line feed", async () => {
    const output = new PassThrough();
    const copied: string[] = [];
    copyLines(output, { write: (text: string) => void copied.push(text) });
    const text = Buffer.from('{"a":"é"}\n{"b":"€"}\n{"c":');
    for (const byte of text) output.write(Buffer.of(byte));
    output.end();
    await finished(output);
    expect(copied).toEqual(['{"a":"é"}\n', '{"b":"€"}\n', '{"c":\n']);
  });

  test("log lines of any length stay intact while all workers write", async () => {
    const service = await startWorkers(3, { MAX_HEADER_BYTES: "200000" });
    // `service.log` fails on a line that is not JSON.
    const clients = Array.from({ length: 12 }, async (_, client) => {
      for (let sent = 0; sent < 60; sent++) {
        const path = `/${String(client).repeat(sent % 3 === 0 ? 30_000 : 10)}`;
        const headers = { connection: "close", "x-request-id": `${client}-${sent}` };
        await fetch(`http://127.0.0.1:${service.port}${path}`, { headers });
      }
    });
    await Promise.all(clients);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
    const requests = service.log.filter(({ msg }) => msg === "request");
    expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(12 * 60);
    expect(new Set(requests.map(({ pid }) => pid)).size).toBe(3);
  });
});

describe("the metrics of several workers", () => {
  const metricsHead = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  const greetings = 'http_requests_total{method="GET",route="/hello",status="200"}';

  /** Sends requests on connections of their own, so that the workers get them in turn. */
  async function sendApart(port: number, count: number, path: string, init = {}) {
    for (let sent = 0; sent < count; sent++) {
      const headers = { connection: "close", "content-type": "application/json" };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init });
      await response.text();
    }
  }

  test("a scrape of any worker returns the sum over all processes", async () => {
    const service = await startWorkers(2);
    const sockets = await connectToBoth(service);
    for (const requestId of ["first", "second"]) {
      for (const socket of sockets) await predictOn(socket, requestId);
    }
    await sendApart(service.port, 10, "/hello?name=x");
    // Without a report of a worker that is too slow, the sums are too small.
    await vi.waitFor(async () => {
      const scrapes = [await scrape(service.port), await scrape(service.port)];
      for (const text of scrapes) {
        expect(valueIn(text, greetings)).toBe(10);
        // Both workers compute it once, and then find it in their memory.
        const requests = "prediction_cache_requests_total";
        expect(valueIn(text, `${requests}{outcome="stored",tier="model"}`)).toBe(2);
        expect(valueIn(text, `${requests}{outcome="hit",tier="memory"}`)).toBe(2);
        expect(valueIn(text, "prediction_drift_records")).toBe(2);
        expect(valueIn(text, "prediction_memory_cache_limit_bytes")).toBe(2 * 32 * 1024 * 1024);
        expect(valueIn(text, "prediction_processes")).toBe(3);
      }
    }, waitOptions);
  });

  test("the counters of a worker that crashes are kept, but not its gauges", async () => {
    const service = await startWorkers(2);
    await sendApart(service.port, 10, "/hello?name=x");
    await vi.waitFor(
      async () => expect(valueIn(await scrape(service.port), greetings)).toBe(10),
      waitOptions,
    );
    const [victim = 0] = service.pids();
    process.kill(victim, "SIGKILL");
    await service.listening(3);
    await sendApart(service.port, 2, "/hello?name=x");
    await vi.waitFor(async () => {
      const text = await scrape(service.port);
      expect(valueIn(text, greetings)).toBe(12);
      expect(valueIn(text, "prediction_processes")).toBe(3);
      expect(valueIn(text, "prediction_memory_cache_limit_bytes")).toBe(2 * 32 * 1024 * 1024);
    }, waitOptions);
  });

  test("if a worker does not answer, a scrape uses its latest report", async () => {
    const service = await startWorkers(2);
    const sockets = await connectToBoth(service);
    for (const [index, socket] of sockets.entries()) await predictOn(socket, `on-${index}`);
    await sendApart(service.port, 10, "/hello?name=x");
    await vi.waitFor(
      async () => expect(valueIn(await scrape(service.port), greetings)).toBe(10),
      waitOptions,
    );
    const frozen = await workerOf(service, "on-0");
    process.kill(frozen, "SIGSTOP");
    onTestFinished(() => void process.kill(frozen, "SIGCONT"));
    let text = "";
    sockets[1].on("data", (bytes) => {
      text += bytes;
    });
    sockets[1].write(metricsHead);
    await vi.waitUntil(() => text.includes("process_start_time_seconds 1"), waitOptions);
    expect(text).toContain(`${greetings} 10\n`);
    for (const socket of sockets) socket.destroy();
  });
});
