import { describe, expect, test } from "vitest";
import { Health } from "../src/routes/health.ts";
import { Status } from "../src/routes/status.ts";
import { appUnderTest, firstFeatureEngine, houseEngine, post, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";

const app = appUnderTest();

describe("internal errors", () => {
  test("an internal error gives 500 without details, and is logged with the request id", async () => {
    const lines: unknown[] = [];
    const { pino } = await import("pino");
    const logger = pino(
      { level: "error" },
      { write: (line: string) => lines.push(JSON.parse(line)) },
    );
    const engine = { ...houseEngine, predict: () => Promise.reject(new Error("no memory")) };
    const broken = appUnderTest({ engine, logger });
    const response = await post(broken, "/predict", house, { "x-request-id": "abc" });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ detail: "Internal Server Error" });
    expect(lines).toMatchObject([
      { requestId: "abc", msg: "request failed", err: { message: "no memory" } },
    ]);
  });
});

describe("a wrong method", () => {
  test.each([
    ["POST", "/hello", "GET, HEAD"],
    ["DELETE", "/health", "GET, HEAD"],
    ["OPTIONS", "/docs", "GET, HEAD"],
    ["POST", "/playground", "GET, HEAD"],
    ["PUT", "/openapi.json", "GET, HEAD"],
    ["GET", "/predict", "POST"],
    ["HEAD", "/bulk_predict", "POST"],
    ["OPTIONS", "/predict", "POST"],
  ])("%s %s gets 405 with Allow: %s", async (method, path, allow) => {
    const response = await app.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") expect(await response.json()).toEqual({ detail: "Method Not Allowed" });
  });
});

describe("trailing slashes", () => {
  test("trailing slashes are redirected to the same path without them, on any host", async () => {
    const response = await app.request("http://evil.example/predict//?a=%2F&b", {
      method: "PATCH",
    });
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toBe("/predict?a=%2F&b");
  });

  test("trailing slashes on an unknown path get 404", async () => {
    expect((await app.request("/nope/")).status).toBe(404);
    expect((await app.request("//")).status).toBe(404);
  });
});

test.each(["/hello?name=x", "/health", "/status", "/docs", "/openapi.json", "/playground"])(
  "HEAD %s has the same response as GET, without the body",
  async (path) => {
    const port = await serve(app);
    const [head, get] = await Promise.all(
      ["HEAD", "GET"].map((method) => fetch(`http://127.0.0.1:${port}${path}`, { method })),
    );
    expect(head?.status).toBe(200);
    expect(await head?.text()).toBe("");
    expect(head?.headers.get("content-type")).toBe(get?.headers.get("content-type"));
  },
);

describe("/health", () => {
  test("/health returns the time in UTC, with +00:00", async () => {
    const before = Date.now();
    const response = await app.request("/health");
    expect(response.headers.get("content-type")).toBe("application/json");
    const { time } = Health.parse(await response.json());
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$/);
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
  });

  test("while draining, /health gets 503 and every response closes its connection", async () => {
    const draining = appUnderTest({ isDraining: () => true });
    const health = await draining.request("/health");
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual({ detail: "Service Unavailable" });
    const prediction = await post(draining, "/predict", house);
    expect(prediction.status).toBe(200);
    for (const { headers } of [health, prediction]) expect(headers.get("connection")).toBe("close");
  });
});

describe("/status", () => {
  test("/status describes the model and a cache without Redis", async () => {
    const response = await app.request("/status");
    expect(response.headers.get("content-type")).toBe("application/json");
    const { uptime_seconds, version, ...rest } = Status.parse(await response.json());
    expect(uptime_seconds).toBeGreaterThan(0);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(rest).toEqual({
      status: "ok",
      models: [{ name: "california-housing", version: "0".repeat(64), engine: "test" }],
      cache: { memory: null, redis: null },
    });
  });

  test("while draining, /status still responds with 200", async () => {
    const response = await appUnderTest({ isDraining: () => true }).request("/status");
    expect(response.status).toBe(200);
    expect(Status.parse(await response.json()).status).toBe("draining");
  });
});

describe("predictions", () => {
  test("a list is predicted as one batch, in order, with numbers that round-trip float32", async () => {
    const engine = firstFeatureEngine();
    const incomes = [0.1, 3, 1e-7, 2 ** 24 + 1];
    const houses = incomes.map((MedInc) => ({ ...house, MedInc }));
    const response = await post(appUnderTest({ engine }), "/bulk_predict", { houses });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ predictions: incomes.map(Math.fround) });
    expect(engine.batches.map(({ length }) => length)).toEqual([4 * 8]);
  });

  test("the prediction of one house is a number", async () => {
    expect(await (await post(app, "/predict", house)).json()).toEqual({
      prediction: Math.fround(house.MedInc),
    });
  });

  test("an empty list gets an empty list of predictions", async () => {
    const response = await post(app, "/bulk_predict", { houses: [] });
    expect(await response.text()).toBe('{"predictions":[]}');
  });

  test("a prediction has headers with the model version and the duration of each phase", async () => {
    const { headers } = await post(app, "/predict", house);
    expect(headers.get("x-model-version")).toBe("0".repeat(64));
    expect(headers.get("server-timing")).toMatch(
      /^parse;dur=\d+\.\d{3}, cache;dur=\d+\.\d{3}, inference;dur=\d+\.\d{3}$/,
    );
  });

  test("an error response has neither the model version nor durations", async () => {
    const { headers } = await post(app, "/predict", {});
    expect(headers.has("x-model-version")).toBe(false);
    expect(headers.has("server-timing")).toBe(false);
  });
});

describe("X-Request-Id", () => {
  const idFor = async (sent?: string) => {
    const headers = sent === undefined ? {} : { "x-request-id": sent };
    return (await app.request("/nope", { headers })).headers.get("x-request-id");
  };

  test("a valid X-Request-Id is echoed", async () => {
    for (const id of ["Run-7_a=", "req/1:a.b+c"]) expect(await idFor(id)).toBe(id);
  });

  test.each([undefined, "a b", "é", "x".repeat(256), "<script>"])(
    "a new X-Request-Id is generated if %s is sent",
    async (sent) => {
      expect(await idFor(sent)).toMatch(/^[0-9a-f-]{36}$/);
      expect(await idFor(sent)).not.toBe(await idFor(sent));
    },
  );
});
