import { describe, expect, test } from "vitest";
import { Health } from "../src/routes/health.ts";
import { appUnderTest, firstFeatureEngine, houseEngine, post, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";

const app = appUnderTest();

describe("errors that no client causes", () => {
  test("are a 500 that tells nothing, and are logged with the request's id", async () => {
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
    ["PUT", "/openapi.json", "GET, HEAD"],
    ["GET", "/predict", "POST"],
    ["HEAD", "/bulk_predict", "POST"],
    ["OPTIONS", "/predict", "POST"],
  ])("%s %s is told that %s is allowed", async (method, path, allow) => {
    const response = await app.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") expect(await response.json()).toEqual({ detail: "Method Not Allowed" });
  });
});

describe("trailing slashes", () => {
  test("lead to the path without, as a path: no Host header steers it", async () => {
    const response = await app.request("http://evil.example/predict//?a=%2F&b", {
      method: "PATCH",
    });
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toBe("/predict?a=%2F&b");
  });

  test("of an unknown path lead nowhere", async () => {
    expect((await app.request("/nope/")).status).toBe(404);
    expect((await app.request("//")).status).toBe(404);
  });
});

test.each(["/hello?name=x", "/health", "/docs", "/openapi.json"])(
  "HEAD %s is GET without the body",
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
  test("tells the time in UTC, written +00:00", async () => {
    const before = Date.now();
    const response = await app.request("/health");
    expect(response.headers.get("content-type")).toBe("application/json");
    const { time } = Health.parse(await response.json());
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$/);
    expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
  });

  test("is a 503 while draining, when every answer closes its connection", async () => {
    const draining = appUnderTest({ isDraining: () => true });
    const health = await draining.request("/health");
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual({ detail: "Service Unavailable" });
    const prediction = await post(draining, "/predict", house);
    expect(prediction.status).toBe(200);
    for (const { headers } of [health, prediction]) expect(headers.get("connection")).toBe("close");
  });
});

describe("predictions", () => {
  test("are one batch for a list, in its order, with numbers that round-trip the float32", async () => {
    const engine = firstFeatureEngine();
    const incomes = [0.1, 3, 1e-7, 2 ** 24 + 1];
    const houses = incomes.map((MedInc) => ({ ...house, MedInc }));
    const response = await post(appUnderTest({ engine }), "/bulk_predict", { houses });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ predictions: incomes.map(Math.fround) });
    expect(engine.batches.map(({ length }) => length)).toEqual([4 * 8]);
  });

  test("of one house are a number", async () => {
    expect(await (await post(app, "/predict", house)).json()).toEqual({
      prediction: Math.fround(house.MedInc),
    });
  });

  test("of no houses are an empty list", async () => {
    const response = await post(app, "/bulk_predict", { houses: [] });
    expect(await response.text()).toBe('{"predictions":[]}');
  });

  test("tell the model's version and the time that each phase took", async () => {
    const { headers } = await post(app, "/predict", house);
    expect(headers.get("x-model-version")).toBe("0".repeat(64));
    expect(headers.get("server-timing")).toMatch(
      /^parse;dur=\d+\.\d{3}, cache;dur=\d+\.\d{3}, inference;dur=\d+\.\d{3}$/,
    );
  });

  test("refused tell neither", async () => {
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

  test("is echoed where it is sane", async () => {
    for (const id of ["Run-7_a=", "req/1:a.b+c"]) expect(await idFor(id)).toBe(id);
  });

  test.each([undefined, "a b", "é", "x".repeat(256), "<script>"])(
    "is made where %s is sent",
    async (sent) => {
      expect(await idFor(sent)).toMatch(/^[0-9a-f-]{36}$/);
      expect(await idFor(sent)).not.toBe(await idFor(sent));
    },
  );
});
