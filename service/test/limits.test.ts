import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { QueueFullError } from "../src/model/batcher.ts";
import { appUnderTest, firstFeatureEngine, houseEngine, post, serve } from "./app-under-test.ts";
import { appWithFullBacklog } from "./full-backlog.ts";
import { house } from "./house-model.ts";

const text = JSON.stringify(house);

describe("a body longer than MAX_BODY_BYTES", () => {
  const app = appUnderTest({ limits: { maxBodyBytes: text.length } });

  test("a body longer than MAX_BODY_BYTES gets 413 if its length is declared", async () => {
    const response = await post(app, "/predict", `${text} `);
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ detail: "Content Too Large" });
  });

  test("a chunked body gets 413 as soon as it exceeds MAX_BODY_BYTES", async () => {
    const port = await serve(app);
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const upload = request({ port, path: "/predict", method: "POST" }, (response) => {
      upload.destroy();
      resolve(response.statusCode);
    });
    upload.on("error", reject);
    upload.write(text);
    upload.write(" ");
    expect(await promise).toBe(413);
  });

  test("a chunked body of exactly MAX_BODY_BYTES is accepted", async () => {
    const port = await serve(app);
    const body = new Blob([text]).stream();
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body, duplex: "half" } as const;
    const response = await fetch(`http://127.0.0.1:${port}/predict`, init);
    expect(response.status).toBe(200);
    expect((await post(app, "/predict", text)).status).toBe(200);
  });
});

describe("an encoded body", () => {
  test.each(["gzip", "br", "GZIP", "identity, gzip", "identityidentity", "identity identity"])(
    "a body with Content-Encoding %s gets 415",
    async (encoding) => {
      const response = await post(appUnderTest(), "/predict", text, {
        "content-encoding": encoding,
      });
      expect(response.status).toBe(415);
      expect(await response.json()).toEqual({ detail: "Unsupported Media Type" });
    },
  );

  test.each(["Identity", "", "identity, identity", " , "])(
    "a body with Content-Encoding '%s' is accepted",
    async (encoding) => {
      const headers = { "content-encoding": encoding };
      expect((await post(appUnderTest(), "/predict", text, headers)).status).toBe(200);
    },
  );
});

/** Creates an engine that predicts only after it is released. */
function heldEngine() {
  const released = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const inner = firstFeatureEngine();
  return {
    ...inner,
    begun: begun.promise,
    release: released.resolve,
    async predict(matrix: Float32Array) {
      begun.resolve();
      await released.promise;
      return inner.predict(matrix);
    },
  };
}

test("beyond MAX_CONCURRENT_REQUESTS, predictions get 503 with Retry-After, health checks do not", async () => {
  const engine = heldEngine();
  const app = appUnderTest({ engine, limits: { maxConcurrentRequests: 2 } });
  const taken = [post(app, "/predict", text), post(app, "/bulk_predict", { houses: [house] })];
  // The limit applies to both routes together.
  await engine.begun;
  const refused = await post(app, "/predict", text);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toEqual({ detail: "Service Unavailable" });
  expect((await app.request("/health")).status).toBe(200);

  engine.release();
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await post(app, "/predict", text)).status).toBe(200);
});

test("a prediction that would wait longer than MAX_WAIT_MS gets 503 with Retry-After", async () => {
  const { app, finish } = await appWithFullBacklog();
  const refused = await post(app, "/predict", text);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toEqual({ detail: "Service Unavailable" });
  expect((await app.request("/health")).status).toBe(200);

  const waited = await finish();
  expect(new Set(waited.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await post(app, "/predict", text)).status).toBe(200);
});

test("a prediction that would wait too long gets 503 before its body arrives", async () => {
  const { app } = await appWithFullBacklog();
  const headers = { "content-type": "application/json", "content-length": 1_000 };
  const upload = request({ port: await serve(app), path: "/predict", method: "POST", headers });
  upload.on("error", () => {}).write("{");
  const [response] = await once(upload, "response");
  upload.destroy();
  expect(response.statusCode).toBe(503);
});

test("requests get 503 with Retry-After if the queue is full", async () => {
  const predict = () => Promise.reject(new QueueFullError("full"));
  const response = await post(
    appUnderTest({ engine: { ...houseEngine, predict } }),
    "/predict",
    text,
  );
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
});

describe("REQUEST_TIMEOUT_MS", () => {
  const gatewayTimeout = { detail: "Gateway Timeout" };

  test("a prediction that takes longer than REQUEST_TIMEOUT_MS gets 504", async () => {
    const engine = heldEngine();
    const app = appUnderTest({ engine, limits: { requestTimeoutMs: 20 } });
    const response = await post(app, "/predict", text);
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual(gatewayTimeout);
    engine.release();
  });

  test("a body that does not arrive within REQUEST_TIMEOUT_MS gets 504", async () => {
    const port = await serve(appUnderTest({ limits: { requestTimeoutMs: 20 } }));
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const headers = { "content-length": 1000 };
    const upload = request({ port, path: "/predict", method: "POST", headers }, (response) => {
      upload.destroy();
      resolve(response.statusCode);
    });
    upload.on("error", reject);
    upload.write("{");
    expect(await promise).toBe(504);
  });
});
