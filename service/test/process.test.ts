import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { exampleHouse } from "../src/houses/house.ts";
import { freePort } from "./free-port.ts";

const main = join(import.meta.dirname, "../src/main.ts");

const LogLine = z.looseObject({
  msg: z.string(),
  route: z.string().optional(),
  durationMs: z.number().optional(),
  address: z.object({ port: z.number() }).optional(),
});

type LogLine = z.infer<typeof LogLine>;

/** The service as a process of its own, on a free port. */
function start(environment: Record<string, string> = {}) {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [main], { env: { PATH, PORT: "0", ...environment } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log: LogLine[] = [];
  const waiting = new Map<string, (line: LogLine) => void>();
  createInterface(child.stdout).on("line", (text) => {
    const line = LogLine.parse(JSON.parse(text));
    log.push(line);
    waiting.get(line.msg)?.(line);
  });
  const stderr = child.stderr.setEncoding("utf8").toArray();
  return {
    child,
    log,
    stderr: async () => (await stderr).join(""),
    // Not "exit", which may come before the last of the log.
    exit: once(child, "close"),
    logged(msg: string): Promise<LogLine> {
      const found = log.find((line) => line.msg === msg);
      return found ? Promise.resolve(found) : new Promise((seen) => waiting.set(msg, seen));
    },
    async port(): Promise<number> {
      return (await this.logged("listening")).address?.port ?? 0;
    },
  };
}

describe("a start that can't succeed ends with status 1 and says why", () => {
  test("wrong settings, all at once", async () => {
    const service = start({ PORT: "x", LOG_LEVEL: "loud" });
    expect((await service.exit)[0]).toBe(1);
    expect(await service.stderr()).toBe(
      'PORT: found "x"; allowed: an integer from 0 to 65535\n' +
        'LOG_LEVEL: found "loud"; allowed: one of trace, debug, info, warn, error, fatal, silent\n',
    );
  });

  test("no model", async () => {
    const service = start({ MODEL_PATH: "/nowhere/model.onnx" });
    expect((await service.exit)[0]).toBe(1);
    expect(await service.stderr()).toBe("cannot read /nowhere/model.onnx\n");
  });

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const service = start({ PORT: String(port) });
    expect((await service.exit)[0]).toBe(1);
    expect(await service.stderr()).toMatch(
      `HOST, PORT: cannot listen on 127.0.0.1, port ${port}: Error: listen EADDRINUSE`,
    );
  });
});

/** Sends a prediction's head and half its body; `finish` sends the rest and returns the answer. */
function halfSentPrediction(port: number) {
  const body = JSON.stringify(exampleHouse);
  const headers = { "content-type": "application/json", "content-length": body.length };
  const upload = request({ port, path: "/predict", method: "POST", headers });
  const answer = once(upload, "response");
  answer.catch(() => {});
  upload.write(body.slice(0, 20));
  return {
    answer,
    async finish() {
      upload.end(body.slice(20));
      const [response] = await answer;
      return { status: response.statusCode, connection: response.headers.connection };
    },
  };
}

describe.each(["SIGTERM", "SIGINT"] as const)("on %s", (signal) => {
  test("requests under way are answered, then the process ends with status 0", async () => {
    const service = start();
    const port = await service.port();
    const underWay = halfSentPrediction(port);
    await delay(100);
    service.child.kill(signal);
    await service.logged("draining");
    await delay(100);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
    expect(await underWay.finish()).toMatchObject({ status: 200 });
    expect((await service.exit)[0]).toBe(0);
  });

  test("requests are still taken for DRAIN_SECONDS, on connections that close", async () => {
    const service = start({ DRAIN_SECONDS: "1" });
    const port = await service.port();
    service.child.kill(signal);
    await service.logged("draining");
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    expect(health.status).toBe(503);
    expect(health.headers.get("connection")).toBe("close");
    expect(await halfSentPrediction(port).finish()).toEqual({ status: 200, connection: "close" });
    expect((await service.exit)[0]).toBe(0);
  });

  test("a second one ends the process at once", async () => {
    const service = start({ DRAIN_SECONDS: "60" });
    await service.port();
    service.child.kill(signal);
    await service.logged("draining");
    service.child.kill(signal);
    expect((await service.exit)[0]).toBe(1);
  });
});

test("a connection that never carried a request does not keep the process from ending", async () => {
  const service = start();
  const silent = connect(await service.port(), "127.0.0.1");
  silent.on("error", () => {});
  await once(silent, "connect");
  silent.write("GET /hea");
  await delay(100);
  service.child.kill("SIGTERM");
  expect((await service.exit)[0]).toBe(0);
});

describe("a body of the greatest length", () => {
  const bytes = 32 * 1024 * 1024 - 100;
  const repeated = (part: string) => part.repeat(Math.floor(bytes / part.length));

  test.each([
    ["escapes", `{"MedInc":"${repeated("\\n")}"}`],
    ["unknown fields", `{${repeated('"0":0,')}"1":0}`],
    ["numbers", `{"houses":[${repeated("0,")}0]}`],
    ["objects", `{"houses":[${repeated("{},")}{}]}`],
    ["brackets", repeated("[")],
  ])("of %s is refused within a small heap", async (_, body) => {
    const service = start({ NODE_OPTIONS: "--max-old-space-size=256" });
    const url = `http://127.0.0.1:${await service.port()}`;
    const headers = { "content-type": "application/json" };
    const refused = await fetch(`${url}/bulk_predict`, { method: "POST", headers, body });
    expect([400, 422]).toContain(refused.status);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});

test("a request that never ends does not keep the process from ending", async () => {
  const service = start({ REQUEST_TIMEOUT_MS: "300" });
  const port = await service.port();
  const idle = request({ port, path: "/health", method: "POST", headers: { "content-length": 9 } });
  idle.on("error", () => {});
  idle.write("x");
  await delay(100);
  service.child.kill("SIGTERM");
  expect((await service.exit)[0]).toBe(0);
});

describe("the log", () => {
  test.runIf(existsSync("/dev/full"))("may fill the disk, and predictions go on", async () => {
    const script = `exec "${process.execPath}" "${main}" >/dev/full`;
    const port = await freePort();
    const child = spawn("bash", ["-c", script], { env: { PORT: String(port) } });
    onTestFinished(() => void child.kill("SIGKILL"));
    const health = () => fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    await vi.waitUntil(async () => (await health())?.status === 200, 10_000);
    await delay(300);
    expect((await health())?.status).toBe(200);
  });

  test("is JSON: one line a request, with its id, route, status and duration", async () => {
    const service = start();
    const port = await service.port();
    const headers = { "x-request-id": "abc" };
    await fetch(`http://127.0.0.1:${port}/predict/?secret=1`, { headers, redirect: "manual" });
    await fetch(`http://127.0.0.1:${port}/predict`, { headers, method: "POST" });
    service.child.kill("SIGTERM");
    await service.exit;
    const requests = service.log.filter(({ msg }) => msg === "request");
    expect(requests).toMatchObject([
      { requestId: "abc", method: "GET", path: "/predict/", status: 307 },
      { requestId: "abc", method: "POST", route: "/predict", status: 422 },
    ]);
    for (const line of requests) expect(line.durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(service.log)).not.toContain("secret");
  });

  test("has a probe's request only at level debug", async () => {
    const ask = async (LOG_LEVEL: string) => {
      const service = start({ LOG_LEVEL });
      await fetch(`http://127.0.0.1:${await service.port()}/health`);
      service.child.kill("SIGTERM");
      await service.exit;
      return service.log.filter(({ route }) => route === "/health").length;
    };
    expect(await ask("info")).toBe(0);
    expect(await ask("debug")).toBe(1);
  });
});
