import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { inference, traceRequests, traceWork } from "../src/telemetry/tracing.ts";
import { house } from "./house-model.ts";
import { startReceiver } from "./otlp-receiver.ts";
import { exchange, parseResponses } from "./raw-socket.ts";
import { RedisServer, redisTest } from "./redis-server.ts";
import { startService } from "./service-process.ts";

const operations = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

/** The file of docs/operations.md that starts the SDK. */
const [, documented = ""] = /```js\n\/\/ tracing\.mjs\n([\s\S]*?)```/.exec(operations) ?? [];

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${parentId}-01`;

const serverKind = 2;
const clientKind = 3;

interface Options {
  readonly tracing?: string;
  readonly environment?: Record<string, string>;
}

/** Starts the service with an SDK that sends its spans to a receiver. */
async function startTraced({ tracing = documented, environment = {} }: Options = {}) {
  const receiver = await startReceiver();
  const folder = mkdtempSync(join(tmpdir(), "tracing-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "tracing.mjs"), tracing);
  symlinkSync(join(import.meta.dirname, "../node_modules"), join(folder, "node_modules"));
  const service = startService({
    NODE_OPTIONS: `--import ${join(folder, "tracing.mjs")}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    // The SDK does not wait for a batch that it has begun to send when the service stops.
    OTEL_BSP_SCHEDULE_DELAY: "600000",
    ...environment,
  });
  return { ...receiver, service, port: await service.port() };
}

type Traced = Awaited<ReturnType<typeof startTraced>>;

async function post(port: number, path: string, body: unknown, headers = {}): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  await response.bytes();
  return response.status;
}

async function get(port: number, path: string, headers = {}): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  await response.bytes();
}

/** Stops the service, and returns all spans that it sent. */
async function stopped({ service, spans }: Traced) {
  service.signal("SIGTERM");
  expect(await service.exitStatus()).toBe(0);
  return spans;
}

describe("with an SDK", () => {
  test("a prediction has spans for the request, parsing and inference, and none is lost when the service stops", async () => {
    const traced = await startTraced();
    const headers = { traceparent, "user-agent": "tests" };

    expect(await post(traced.port, "/predict?key=secret", house, headers)).toBe(200);
    const spans = await stopped(traced);

    const [request] = spans.filter(({ kind }) => kind === serverKind);
    expect(request).toMatchObject({
      traceId,
      parentSpanId: parentId,
      name: "POST /predict",
      attributes: {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "url.path": "/predict",
        "url.scheme": "http",
        "user_agent.original": "tests",
        "prediction.model": "california-housing",
        "prediction.records": 1,
        "prediction.cache": "stored",
      },
      status: { code: 0 },
    });
    const parts = spans.filter((span) => span !== request);
    expect(parts.map(({ name }) => name)).toEqual(["parse", "inference"]);
    for (const part of parts) {
      expect(part).toMatchObject({ traceId, parentSpanId: request?.spanId, status: { code: 0 } });
    }
    expect(JSON.stringify(spans)).not.toContain("secret");
  });

  test("a hit in memory has no span for inference, and that of a list has none for parsing", async () => {
    const traced = await startTraced();
    const list = { houses: [house] };

    for (const body of [house, list]) {
      const path = body === list ? "/bulk_predict" : "/predict";
      expect(await post(traced.port, path, body)).toBe(200);
      expect(await post(traced.port, path, body, { traceparent })).toBe(200);
    }
    const spans = await stopped(traced);

    const ofHits = spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
    expect(ofHits).toEqual(["parse", "POST /predict", "POST /bulk_predict"]);
  });

  test("a long list has a span for reading it in another thread", async () => {
    const traced = await startTraced();
    const houses = Array.from({ length: 2_000 }, () => house);

    expect(await post(traced.port, "/bulk_predict", { houses })).toBe(200);
    const [parse, inference, request] = await stopped(traced);

    expect([parse?.name, inference?.name, request?.name]).toEqual([
      "parse",
      "inference",
      "POST /bulk_predict",
    ]);
    expect(request?.attributes).toMatchObject({ "prediction.records": houses.length });
    expect(parse?.parentSpanId).toBe(request?.spanId);
  });

  redisTest("commands to Redis have spans", async () => {
    const redis = await RedisServer.start();
    const traced = await startTraced({
      environment: {
        ...{ REDIS_URL: redis.url, CACHE_MEMORY_BYTES: "0" },
        // Without a reply to GET, there is no SET.
        CACHE_TIMEOUT_MS: "60000",
      },
    });
    await traced.service.logged("cache connected");

    const body = { houses: [house] };
    expect(await post(traced.port, "/bulk_predict", body, { traceparent })).toBe(200);
    // SET may take longer than the response.
    await vi.waitUntil(async () => (await redis.keys()).length === 1, waitOptions);
    const spans = await stopped(traced);

    const request = spans.find(({ kind }) => kind === serverKind);
    for (const name of ["GET", "SET"]) {
      expect(spans.find((span) => span.name === name)).toMatchObject({
        traceId,
        parentSpanId: request?.spanId,
        kind: clientKind,
        attributes: { "db.system.name": "redis", "db.operation.name": name },
      });
    }
  });

  redisTest("a command that Redis does not answer in time is an error", async () => {
    const redis = await RedisServer.start();
    const environment = { REDIS_URL: redis.url, CACHE_MEMORY_BYTES: "0" };
    const traced = await startTraced({ environment });
    await traced.service.logged("cache connected");
    redis.freeze();

    expect(await post(traced.port, "/bulk_predict", { houses: [house] })).toBe(200);
    redis.thaw();
    const spans = await stopped(traced);

    expect(spans.find(({ name }) => name === "GET")).toMatchObject({
      attributes: { "error.type": "TimeoutError" },
      status: { code: 2 },
    });
  });

  test("an invalid request is not an error of the service", async () => {
    const traced = await startTraced();

    expect(await post(traced.port, "/predict", { ...house, MedInc: "x" })).toBe(422);
    const spans = await stopped(traced);

    expect(spans.map(({ name, status }) => [name, status.code])).toEqual([
      ["parse", 0],
      ["POST /predict", 0],
    ]);
    expect(spans.at(-1)?.attributes).toMatchObject({ "http.response.status_code": 422 });
  });

  test("a response of 5xx is an error", async () => {
    const traced = await startTraced({ environment: { REQUEST_TIMEOUT_MS: "100" } });

    const head = "POST /bulk_predict HTTP/1.1\r\nConnection: close\r\nContent-Length: 9\r\n\r\n";
    const [response] = parseResponses(await exchange(traced.port, `${head}{`));
    expect(response?.status).toBe(504);
    const spans = await stopped(traced);

    const attributes = { "http.response.status_code": 504, "error.type": "504" };
    expect(spans).toContainEqual(
      expect.objectContaining({
        name: "POST /bulk_predict",
        attributes: expect.objectContaining(attributes),
        status: expect.objectContaining({ code: 2 }),
      }),
    );
  });

  test("no span is named after a path without an endpoint, and probes have no span", async () => {
    const traced = await startTraced();

    await get(traced.port, "/nothing");
    await get(traced.port, "/health");
    await get(traced.port, "/metrics");
    const spans = await stopped(traced);

    expect(spans.map(({ name }) => name)).toEqual(["GET"]);
    expect(spans[0]?.attributes).not.toHaveProperty("http.route");
  });

  test("the log has the trace id of each request, whether it has a traceparent or not", async () => {
    const traced = await startTraced();

    await get(traced.port, "/hello?name=a", { traceparent });
    await get(traced.port, "/hello?name=b");
    const spans = await stopped(traced);

    const logged = traced.service.log.filter(({ msg }) => msg === "request");
    expect(logged.map((line) => line.traceId)).toEqual(spans.map((span) => span.traceId));
    expect(logged[0]).toMatchObject({ traceId });
  });

  test("the span of an HTTP instrumentation is used instead of another one", async () => {
    const tracing = `${documented}
      import { Server } from "node:http";
      import { context, trace } from "@opentelemetry/api";
      const { emit } = Server.prototype;
      Server.prototype.emit = function (event, ...args) {
        if (event !== "request") return emit.call(this, event, ...args);
        const span = trace.getTracer("http").startSpan("HTTP", { kind: 1 });
        args[1].once("close", () => span.end());
        const active = trace.setSpan(context.active(), span);
        return context.with(active, () => emit.call(this, event, ...args));
      };`;
    const traced = await startTraced({ tracing });

    await post(traced.port, "/predict", house);
    const spans = await stopped(traced);

    const requests = spans.filter(({ kind }) => kind === serverKind);
    expect(requests.map(({ name }) => name)).toEqual(["POST /predict"]);
    expect(spans.filter(({ name }) => name === "inference")).toEqual([
      expect.objectContaining({ parentSpanId: requests[0]?.spanId }),
    ]);
  });
});

test("without an SDK, the functions that requests call are not wrapped", () => {
  const answer = async () => new Response();
  const work = () => 1;

  expect(traceRequests("/predict", answer)).toBe(answer);
  expect(traceWork(inference, work)).toBe(work);
});

test("without an SDK, the log has the trace id of each valid traceparent", async () => {
  const headers: [string | undefined, string | undefined][] = [
    [traceparent, traceId],
    // Later versions may have more fields.
    [`01-${traceId}-${parentId}-01-more`, traceId],
    [`ff-${traceId}-${parentId}-01`, undefined],
    [`00-${traceId}-x-01`, undefined],
    [`00-${"0".repeat(32)}-${parentId}-01`, undefined],
    [undefined, undefined],
  ];
  const service = startService();
  const port = await service.port();

  for (const [header] of headers) {
    await get(port, "/hello?name=a", header ? { traceparent: header } : {});
  }
  service.signal("SIGTERM");
  await service.exitStatus();

  const logged = service.log.filter(({ msg }) => msg === "request");
  expect(logged.map((line) => line.traceId)).toEqual(headers.map(([, expected]) => expected));
});
