import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import type { App } from "../src/app.ts";
import { batched } from "../src/model/batcher.ts";
import type { ModelCard } from "../src/model/card.ts";
import { DriftWindow, reportDrift } from "../src/telemetry/drift.ts";
import { observeEventLoop } from "../src/telemetry/event-loop-metrics.ts";
import { writeMetrics } from "../src/telemetry/exposition.ts";
import { metricTable } from "../src/telemetry/metric-table.ts";
import { Histogram, Metrics } from "../src/telemetry/metrics.ts";
import { observeProcess } from "../src/telemetry/process-metrics.ts";
import { appUnderTest, firstFeatureEngine, houseEngine, post, serve } from "./app-under-test.ts";
import { openCache } from "./cache-under-test.ts";
import { blockEventLoop } from "./event-loop.ts";
import { parseExposition, valueIn } from "./exposition-parser.ts";
import { appWithFullBacklog } from "./full-backlog.ts";
import { house } from "./house-model.ts";
import { valuesOf } from "./metric-values.ts";
import { exchange, rawSocket } from "./raw-socket.ts";

const openMetrics = "application/openmetrics-text";

async function scrape(app: App, accept?: string): Promise<string> {
  const response = await app.request("/metrics", { headers: accept ? { accept } : {} });
  expect(response.status).toBe(200);
  return response.text();
}

/** The service with a cache in memory. */
async function cachedApp(metrics: Metrics): Promise<App> {
  const cache = await openCache({ metrics });
  return appUnderTest({ cache: cache.readThrough, cacheStatus: cache.status, metrics });
}

const never = () => new Promise<never>(() => {});
const houses = (count: number) => ({ houses: Array(count).fill(house) });

describe("labels that clients might try to choose", () => {
  test("hostile paths, methods and headers appear nowhere in the metrics", async () => {
    const app = appUnderTest();
    const port = await serve(app);
    const marks = ["evil", "EVIL", "%65vil", "PROPFIND", "__proto__"];
    const send = (line: string) =>
      exchange(port, `${line} HTTP/1.1\r\nX-Request-Id: evil-1\r\nConnection: close\r\n\r\n`);
    for (const path of ["/evil", "/predict/evil", "/%65vil/", "/hello?name=evil", "/__proto__"]) {
      await send(`GET ${path}`);
    }
    for (const path of ["evil/ready", "evil/versions/evil", "housing/versions/evil/ready"]) {
      await send(`GET /v2/models/${path}`);
    }
    await send("POST /v2/models/evil/infer");
    for (const method of ["PROPFIND", "TRACE", "EVIL", "M-SEARCH", "SOURCE"]) {
      await send(`${method} /predict`);
    }
    await app.request("/metrics?evil=1", { headers: { accept: "evil" } });
    const text = await scrape(app);
    for (const mark of marks) expect(text).not.toContain(mark);
    expect(valueIn(text, 'http_requests_total{method="OTHER",route="*",status="405"}')).toBe(4);
    expect(valueIn(text, 'http_requests_total{method="GET",route="*",status="404"}')).toBe(4);
  });

  test("a flood of different paths and methods adds no series", async () => {
    const app = appUnderTest();
    const seriesOf = async () =>
      parseExposition(await scrape(app)).reduce((sum, { samples }) => sum + samples.size, 0);
    await app.request("/x", { method: "REPORT" });
    await app.request("/metrics");
    const before = await seriesOf();
    for (let sent = 0; sent < 300; sent++) {
      await app.request(`/x${sent}`, { method: `M${sent}` });
    }
    expect(await seriesOf()).toBe(before);
  });

  test("a name with quotes, backslashes and line feeds is escaped", async () => {
    const name = 'a"b\\c\nd{e="f"} 1\n# TYPE x counter';
    const features: ModelCard["features"] = [{ name, type: "boolean", example: true }];
    const window = new DriftWindow({ features }, { outputs: 1 }, { records: 10 });
    window.count(Float32Array.of(1), Float32Array.of(1));
    for (const format of ["text", "openmetrics"] as const) {
      const text = await writeMetrics(
        [reportDrift({ features, target: { name } }, [window.counts()])],
        format,
      );
      const escaped = String.raw`a\"b\\c\nd{e=\"f\"} 1\n# TYPE x counter`;
      expect(valueIn(text, `prediction_drift_mean{output="${escaped}"}`)).toBe(1);
      const series = `prediction_drift_feature_outside_range_ratio{feature="${escaped}"}`;
      expect(valueIn(text, series)).toBe(0);
    }
  });
});

describe("the format of /metrics", () => {
  test("/metrics is in Prometheus' text format, with metrics of the table only", async () => {
    const app = await cachedApp(new Metrics());
    await post(app, "/predict", house);
    const response = await app.request("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const metrics = parseExposition(await response.text());
    expect(metrics.length).toBeGreaterThan(10);
    for (const { name, type } of metrics) expect(metricTable).toMatchObject({ [name]: { type } });
  });

  test.each([
    [openMetrics, true],
    [`${openMetrics};version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`, true],
    [`text/plain;q=0.5, ${openMetrics.toUpperCase()};q=0.9`, true],
    [`${openMetrics};q=0.4,text/plain;q=0.5`, false],
    [`${openMetrics};q=0`, false],
    ["*/*", false],
    ["application/json", false],
    [";;q=,,", false],
    [undefined, false],
  ])("with Accept: %s, /metrics is in OpenMetrics: %s", async (accept, isOpenMetrics) => {
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    const response = await appUnderTest().request("/metrics", { headers });
    const type = response.headers.get("content-type") ?? "";
    expect(type.startsWith(`${openMetrics}; version=1.0.0`)).toBe(isOpenMetrics);
    expect((await response.text()).endsWith("\n# EOF\n")).toBe(isOpenMetrics);
  });

  test("in OpenMetrics, only the samples of counters end in _total, in every scrape", async () => {
    const app = appUnderTest();
    await app.request("/nope");
    for (let scraped = 0; scraped < 2; scraped++) {
      const counter = parseExposition(await scrape(app, openMetrics)).find(
        ({ name }) => name === "http_requests",
      );
      const series = 'http_requests_total{method="GET",route="*",status="404"}';
      expect(counter?.samples.get(series)).toBe(1);
      expect(valueIn(await scrape(app), series)).toBe(1);
    }
  });

  test("the buckets of a histogram are cumulative, and the last one counts all values", () => {
    const histogram = new Histogram([1, 10]);
    for (const value of [0, 1, 1.5, 10, 11, 1e9]) histogram.observe(value);
    const samples = histogram.samples("x", {});
    expect(samples.map(({ labels: { le }, value }) => [le, value])).toEqual([
      [1, 2],
      [10, 4],
      ["+Inf", 6],
      [undefined, 1e9 + 23.5],
      [undefined, 6],
    ]);
  });

  test("the names of metrics follow Prometheus' conventions", () => {
    for (const [name, { type, unit, labels }] of Object.entries(metricTable)) {
      expect(name).toMatch(/^(http|prediction|nodejs|process)_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      const base = name.replace(/_total$/, "");
      if (["seconds", "bytes", "ratio"].includes(unit)) {
        expect(base.endsWith(`_${unit}`)).toBe(true);
      }
      for (const label of Object.keys(labels)) expect(label).toMatch(/^[a-z]+$/);
    }
  });
});

describe("requests", () => {
  test("each response is counted once, by method, route and status", async () => {
    const metrics = new Metrics();
    const app = appUnderTest({ metrics });
    await post(app, "/predict", house);
    await post(app, "/predict", house);
    await post(app, "/predict", {});
    await app.request("/predict/", { method: "PATCH" });
    await app.request("/health", { method: "HEAD" });
    await app.request("/metrics");
    expect(valuesOf(metrics, "http_requests_total")).toEqual({
      "POST /predict 200": 2,
      "POST /predict 422": 1,
      "PATCH * 307": 1,
      "HEAD /health 200": 1,
      "GET /metrics 200": 1,
    });
    expect(valuesOf(metrics, "http_request_duration_seconds")).toMatchObject({
      "count /predict": 3,
      "sum /predict": expect.any(Number),
      "count *": 1,
    });
  });

  test("inference is counted like other predictions, and its route has no model's name", async () => {
    const metrics = new Metrics();
    const app = appUnderTest({ metrics });
    const data = Object.values(house);
    const inputs = [{ name: "houses", datatype: "FP32", shape: [2, 8], data: [...data, ...data] }];
    await post(app, "/v2/models/housing/infer", { inputs });
    await post(app, "/v2/models/nope/infer", { inputs });
    expect(valuesOf(metrics, "http_requests_total")).toEqual({
      "POST /v2/models/:name/infer 200": 1,
      "POST /v2/models/:name/infer 404": 1,
    });
    expect(valuesOf(metrics, "prediction_request_records")).toEqual({ count: 1, sum: 2 });
  });

  test("an internal error is counted as 500", async () => {
    const metrics = new Metrics();
    const engine = { ...houseEngine, predict: () => Promise.reject(new Error("no memory")) };
    await post(appUnderTest({ engine, metrics }), "/predict", house);
    expect(valuesOf(metrics, "http_requests_total")).toEqual({ "POST /predict 500": 1 });
    expect(valuesOf(metrics, "prediction_request_records")).toEqual({});
  });

  test("a request is in flight until it has a response", async () => {
    const metrics = new Metrics();
    const gate = Promise.withResolvers<Float32Array>();
    const engine = { ...houseEngine, predict: () => gate.promise };
    const waiting = post(appUnderTest({ engine, metrics }), "/predict", house);
    const inFlight = () => valuesOf(metrics, "http_requests_in_flight")[""] ?? 0;
    expect(inFlight()).toBe(1);
    gate.resolve(Float32Array.of(1));
    await waiting;
    expect(inFlight()).toBe(0);
  });

  test("the bytes of a body are in flight while it arrives", async () => {
    const metrics = new Metrics();
    const port = await serve(appUnderTest({ metrics, limits: { maxBytesInFlight: 1000 } }));
    const socket = await rawSocket(port);
    const head =
      "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n";
    socket.write(`${head}{"MedInc":`);
    const inFlight = () => valuesOf(metrics, "http_body_in_flight_bytes")[""] ?? 0;
    await vi.waitFor(() => expect(inFlight()).toBe(10), waitOptions);
    expect(valuesOf(metrics, "http_body_in_flight_limit_bytes")[""]).toBe(1000);
    socket.destroy();
    await vi.waitFor(() => expect(inFlight()).toBe(0), waitOptions);
  });
});

describe("rejected requests", () => {
  const slow = { ...houseEngine, predict: never };
  const json = "Content-Type: application/json\r\n";
  const chunks = "1\r\n \r\n".repeat(3_000);
  const tinyChunks = `POST /predict HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n${chunks}`;

  /** Sends two predictions at the same time. One never gets a response from the model. */
  async function sendTwo(metrics: Metrics, limits: object) {
    const app = appUnderTest({ engine: slow, metrics, limits });
    await Promise.race([post(app, "/predict", house), post(app, "/predict", house)]);
  }

  async function queueThree(metrics: Metrics) {
    const runner = { ...slow, run: never, maxRunRows: 1, release: async () => {} };
    const app = appUnderTest({ engine: batched(runner, 0), metrics });
    // One is in a run, one waits, and one is rejected.
    await Promise.race([1, 2, 3].map((MedInc) => post(app, "/predict", { ...house, MedInc })));
  }

  async function waitTooLong(metrics: Metrics) {
    const { app } = await appWithFullBacklog(metrics);
    await post(app, "/predict", house);
  }

  async function sendRaw(metrics: Metrics, text: string, timeoutMs?: number, connections?: number) {
    const port = await serve(appUnderTest({ metrics }), timeoutMs, connections, metrics);
    await exchange(port, text);
  }

  async function fillConnections(metrics: Metrics) {
    const port = await serve(appUnderTest({ engine: slow, metrics }), 30_000, 1, metrics);
    const busy = await rawSocket(port);
    busy.write("POST /predict HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
    await vi.waitUntil(() => valuesOf(metrics, "http_requests_in_flight")[""] === 1, waitOptions);
    await exchange(port, "");
    busy.destroy();
  }

  test.each<
    [reason: string, status: string | undefined, send: (metrics: Metrics) => Promise<void>]
  >([
    [
      "concurrency",
      "POST /predict 503",
      (metrics) => sendTwo(metrics, { maxConcurrentRequests: 1 }),
    ],
    [
      "bytes_in_flight",
      "POST /predict 503",
      (metrics) => sendTwo(metrics, { maxBytesInFlight: 9 }),
    ],
    ["wait", "POST /predict 503", waitTooLong],
    ["queue_full", "POST /predict 503", queueThree],
    ["timeout", "POST /predict 504", (metrics) => sendTwo(metrics, { requestTimeoutMs: 20 })],
    ["body_too_long", "POST /predict 413", (metrics) => sendTwo(metrics, { maxRecordBytes: 9 })],
    ["tiny_chunks", "POST /predict 400", (metrics) => sendRaw(metrics, tinyChunks)],
    [
      "headers_too_long",
      "OTHER unparsed 431",
      (metrics) => sendRaw(metrics, `GET / HTTP/1.1\r\nX: ${"x".repeat(70_000)}\r\n\r\n`),
    ],
    [
      "malformed",
      "OTHER unparsed 400",
      (metrics) => sendRaw(metrics, "GET /\x01evil HTTP/1.1\r\n\r\n"),
    ],
    [
      "slow_arrival",
      "OTHER unparsed 408",
      (metrics) => sendRaw(metrics, "GET / HTTP/1.1\r\n", -4_900),
    ],
    ["connections", undefined, fillConnections],
  ])(
    "a request rejected because of %s is counted, with the status %s",
    async (reason, status, send) => {
      const metrics = new Metrics();
      await send(metrics);
      expect(valuesOf(metrics, "http_requests_rejected_total")[reason]).toBeGreaterThan(0);
      expect(Object.keys(valuesOf(metrics, "http_requests_rejected_total"))).toEqual([reason]);
      const requests = Object.keys(valuesOf(metrics, "http_requests_total"));
      if (status !== undefined) expect(requests).toContain(status);
    },
  );

  test("a malformed body is counted once, as the response of its route", async () => {
    const metrics = new Metrics();
    const chunked = `POST /predict HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n`;
    await sendRaw(metrics, chunked);
    await vi.waitUntil(
      () => valuesOf(metrics, "http_requests_in_flight")[""] === undefined,
      waitOptions,
    );
    expect(valuesOf(metrics, "http_requests_rejected_total")).toEqual({ malformed: 1 });
    expect(Object.values(valuesOf(metrics, "http_requests_total"))).toEqual([1]);
  });

  test("CONNECT is counted without a reason, because no limit is exceeded", async () => {
    const metrics = new Metrics();
    await sendRaw(metrics, "CONNECT evil:1 HTTP/1.1\r\n\r\n");
    expect(valuesOf(metrics, "http_requests_total")).toEqual({ "OTHER unparsed 404": 1 });
    expect(valuesOf(metrics, "http_requests_rejected_total")).toEqual({});
  });

  test("all reasons for rejecting requests are reported from the start, as 0", async () => {
    const text = await scrape(appUnderTest());
    expect(valueIn(text, 'http_requests_rejected_total{reason="queue_full"}')).toBe(0);
  });
});

describe("predictions", () => {
  test("hits and misses are counted by tier, and their records are counted", async () => {
    const metrics = new Metrics();
    const app = await cachedApp(metrics);
    for (const count of [3, 3, 2, 0]) await post(app, "/bulk_predict", houses(count));
    await post(app, "/predict", house, { "cache-control": "no-store" });
    await post(app, "/predict", house, { "cache-control": "no-cache" });
    await post(app, "/predict", {});
    expect(valuesOf(metrics, "prediction_cache_requests_total")).toEqual({
      "hit memory": 1,
      "stored model": 3,
      "bypassed model": 1,
      "refreshed model": 1,
    });
    expect(valuesOf(metrics, "prediction_request_records")).toEqual({ count: 6, sum: 10 });
  });

  test("the cache in memory reports its size and its limit", async () => {
    const metrics = new Metrics();
    const app = await cachedApp(metrics);
    await post(app, "/predict", house);
    expect(valuesOf(metrics, "prediction_memory_cache_entries")[""]).toBe(1);
    expect(valuesOf(metrics, "prediction_memory_cache_limit_bytes")[""]).toBe(1_000_000);
    const { "": bytes = 0 } = valuesOf(metrics, "prediction_memory_cache_bytes");
    expect(bytes).toBeGreaterThan(100);
    expect(bytes).toBeLessThan(2_000);
  });

  test("runs of the model, their rows, and the rows in the queue are counted", async () => {
    const metrics = new Metrics();
    const runs: (() => void)[] = [];
    const runner = {
      ...houseEngine,
      maxRunRows: 4,
      run: (matrix: Float32Array) =>
        new Promise<Float32Array>((resolve) => {
          runs.push(() => resolve(new Float32Array(matrix.length / 8)));
        }),
      release: async () => {},
    };
    const predicted = batched(runner, undefined, metrics).predict(new Float32Array(6 * 8));
    await vi.waitUntil(() => runs.length === 1, waitOptions);
    expect(valuesOf(metrics, "prediction_rows_queued")[""]).toBe(2);
    await delay(20);
    runs[0]?.();
    await vi.waitUntil(() => runs.length === 2, waitOptions);
    runs[1]?.();
    await predicted;
    expect(valuesOf(metrics, "prediction_rows_queued")).toEqual({});
    expect(valuesOf(metrics, "prediction_inference_rows")).toEqual({ count: 2, sum: 6 });
    const { count, sum = 0 } = valuesOf(metrics, "prediction_inference_duration_seconds");
    expect(count).toBe(2);
    expect(sum).toBeGreaterThan(0.015);
    expect(sum).toBeLessThan(10);
  });

  test("the model's info has the name, the version and the current engine", async () => {
    const engine = { ...firstFeatureEngine(), name: "onnxruntime" };
    const app = appUnderTest({ engine });
    engine.name = "wasm";
    const info = `model="california-housing",version="${"0".repeat(64)}",engine="wasm"`;
    expect(valueIn(await scrape(app), `prediction_model_info{${info}}`)).toBe(1);
  });
});

describe("the process", () => {
  test("the process reports its memory, CPU time, start and version", () => {
    const metrics = new Metrics();
    observeProcess(metrics);
    const mebibyte = 1024 * 1024;
    const { "": rss = 0 } = valuesOf(metrics, "process_resident_memory_bytes");
    expect(rss).toBeGreaterThan(20 * mebibyte);
    const { "": used = 0 } = valuesOf(metrics, "nodejs_heap_size_used_bytes");
    expect(used).toBeLessThan(valuesOf(metrics, "nodejs_heap_size_total_bytes")[""] ?? 0);
    const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
    const cpuBefore = cpuSeconds();
    const { "": cpu = 0 } = valuesOf(metrics, "process_cpu_seconds_total");
    expect(cpu).toBeGreaterThanOrEqual(cpuBefore);
    expect(cpu).toBeLessThanOrEqual(cpuSeconds());
    const { "": start = 0 } = valuesOf(metrics, "process_start_time_seconds");
    // The two clocks are not read at the same moment.
    expect(Math.abs(start - (Date.now() / 1000 - process.uptime()))).toBeLessThan(60);
    expect(Object.keys(valuesOf(metrics, "prediction_build_info"))).toEqual([
      expect.stringMatching(/^\d+\.\d+\.\d+ v\d+\./),
    ]);
  });

  test("the delay of a blocked event loop is measured", async () => {
    const metrics = new Metrics();
    observeEventLoop(metrics);
    await delay(150);
    const { sum: before = 0 } = valuesOf(metrics, "nodejs_event_loop_delay_seconds");
    blockEventLoop(600);
    await delay(150);
    const { sum = 0 } = valuesOf(metrics, "nodejs_event_loop_delay_seconds");
    expect(sum - before).toBeGreaterThan(0.4);
    expect(valuesOf(metrics, "nodejs_event_loop_active_seconds_total")[""]).toBeGreaterThan(0.5);
  });
});
