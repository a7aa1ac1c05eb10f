import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { freePort } from "./free-port.ts";
import { house as exampleHouse } from "./house-model.ts";
import { main, startService } from "./service-process.ts";

describe("a failing start", () => {
  test("the process exits with status 1 and lists all invalid settings", async () => {
    const service = startService({ PORT: "x", LOG_LEVEL: "loud" });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toBe(
      'PORT: found "x"; allowed: an integer from 0 to 65535\n' +
        'LOG_LEVEL: found "loud"; allowed: one of trace, debug, info, warn, error, fatal, silent\n',
    );
  });

  test("the process exits with status 1 and says why if there is no model", async () => {
    const service = startService({ MODEL_PATH: "/nowhere/model.onnx" });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toBe("cannot read /nowhere/model.onnx\n");
  });

  test.each([
    ["", {}],
    [" while it connects to Redis", { REDIS_URL: "redis://127.0.0.1:1" }],
  ])("the process exits with status 1 if the port is in use%s", async (_, environment) => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const service = startService({ PORT: String(port), ...environment });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toMatch(
      `HOST, PORT: cannot listen on 127.0.0.1, port ${port}: Error: listen EADDRINUSE`,
    );
  });
});

/** Waits for a request that is in flight, in addition to the one for the metrics. */
const untilInFlight = (port: number) =>
  vi.waitUntil(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return (await response.text()).includes("\nhttp_requests_in_flight 2\n");
  }, waitOptions);

/** Sends the headers and half the body of a prediction. `finish` sends the rest. */
function halfSentPrediction(port: number) {
  const body = JSON.stringify(exampleHouse);
  const headers = { "content-type": "application/json", "content-length": body.length };
  const upload = request({ port, path: "/predict", method: "POST", headers });
  const response = once(upload, "response");
  response.catch(() => {});
  upload.write(body.slice(0, 20));
  return {
    async finish() {
      upload.end(body.slice(20));
      const [{ statusCode, headers }] = await response;
      return { status: statusCode, connection: headers.connection };
    },
  };
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test(`on ${signal}, requests in flight get their responses, then the process exits with status 0`, async () => {
    const service = startService();
    const port = await service.port();
    const inFlight = halfSentPrediction(port);
    await untilInFlight(port);
    service.signal(signal);
    await service.logged("draining");
    await vi.waitFor(
      () => expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow(),
      waitOptions,
    );
    expect(await inFlight.finish()).toMatchObject({ status: 200 });
    expect(await service.exitStatus()).toBe(0);
  });

  test(`on ${signal}, requests are accepted for DRAIN_SECONDS, and their connections closed`, async () => {
    const service = startService({ DRAIN_SECONDS: "5" });
    const port = await service.port();
    service.signal(signal);
    await service.logged("draining");
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    expect(health.status).toBe(503);
    expect(health.headers.get("connection")).toBe("close");
    expect(await halfSentPrediction(port).finish()).toEqual({ status: 200, connection: "close" });
    expect(await service.exitStatus()).toBe(0);
  });

  test(`on a second ${signal}, the process exits immediately`, async () => {
    const service = startService({ DRAIN_SECONDS: "60" });
    await service.port();
    service.signal(signal);
    await service.logged("draining");
    service.signal(signal);
    expect(await service.exitStatus()).toBe(1);
  });
});

describe("connections on exit", () => {
  test("the process exits without waiting for a connection that never sent a request", async () => {
    const service = startService();
    const silent = connect(await service.port(), "127.0.0.1");
    silent.on("error", () => {});
    await once(silent, "connect");
    silent.write("GET /hea");
    await delay(100);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
  });

  test("the process exits without waiting for idle connections", async () => {
    const service = startService({ REQUEST_TIMEOUT_MS: "3600000" });
    const port = await service.port();
    const idle = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = connect(port, "127.0.0.1").on("error", () => {});
        socket.write("GET /hello?name=x HTTP/1.1\r\n\r\n");
        await once(socket, "data");
        return socket;
      }),
    );
    expect(idle.every(({ readable }) => readable)).toBe(true);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
  });

  test("the process does not wait longer than REQUEST_TIMEOUT_MS for a request", async () => {
    const service = startService({ REQUEST_TIMEOUT_MS: "300" });
    const port = await service.port();
    const headers = { "content-length": 9 };
    const endless = request({ port, path: "/health", method: "POST", headers });
    endless.on("error", () => {});
    endless.write("x");
    await delay(100);
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
  });
});

describe("a body of the maximum length", () => {
  const bytes = 32 * 1024 * 1024 - 100;
  const repeated = (part: string) => part.repeat(Math.floor(bytes / part.length));

  test.each([
    ["escapes", `{"MedInc":"${repeated("\\n")}"}`],
    ["unknown fields", `{${repeated('"0":0,')}"1":0}`],
    ["numbers", `{"houses":[${repeated("0,")}0]}`],
    ["objects", `{"houses":[${repeated("{},")}{}]}`],
    ["brackets", repeated("[")],
  ])("a body of the maximum length with only %s is rejected with a small heap", async (_, body) => {
    const service = startService({ NODE_OPTIONS: "--max-old-space-size=256" });
    const url = `http://127.0.0.1:${await service.port()}`;
    const headers = { "content-type": "application/json" };
    const refused = await fetch(`${url}/bulk_predict`, { method: "POST", headers, body });
    expect([400, 422]).toContain(refused.status);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});

describe("the log", () => {
  test.runIf(existsSync("/dev/full"))(
    "predictions continue if the log has filled the disk",
    async () => {
      const script = `exec "${process.execPath}" "${main}" >/dev/full`;
      const port = await freePort();
      const child = spawn("bash", ["-c", script], { env: { PORT: String(port) } });
      onTestFinished(() => void child.kill("SIGKILL"));
      const health = () => fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
      await vi.waitUntil(async () => (await health())?.status === 200, waitOptions);
      await delay(300);
      expect((await health())?.status).toBe(200);
    },
  );

  test("the log has one JSON line per request, with its id, route, status and duration", async () => {
    const service = startService();
    const port = await service.port();
    const headers = { "x-request-id": "abc" };
    await fetch(`http://127.0.0.1:${port}/predict/?secret=1`, { headers, redirect: "manual" });
    await fetch(`http://127.0.0.1:${port}/predict`, { headers, method: "POST" });
    service.signal("SIGTERM");
    await service.exitStatus();
    const requests = service.log.filter(({ msg }) => msg === "request");
    expect(requests).toMatchObject([
      { requestId: "abc", method: "GET", path: "/predict/", status: 307 },
      { requestId: "abc", method: "POST", route: "/predict", status: 422 },
    ]);
    for (const line of requests) expect(line.durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(service.log)).not.toContain("secret");
  });

  test("the log has health checks only at level debug", async () => {
    const ask = async (LOG_LEVEL: string) => {
      const service = startService({ LOG_LEVEL });
      await fetch(`http://127.0.0.1:${await service.port()}/health`);
      service.signal("SIGTERM");
      await service.exitStatus();
      return service.log.filter(({ route }) => route === "/health").length;
    };
    expect(await ask("info")).toBe(0);
    expect(await ask("debug")).toBe(1);
  });
});
