import type { MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import type { App } from "../src/app.ts";
import type { NodeEnvironment } from "../src/wire/sent-request.ts";
import { appUnderTest, post, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";

function appBehind(middleware: MiddlewareHandler): App {
  const app = new Hono<NodeEnvironment>();
  app.use(middleware);
  return appUnderTest({}, app);
}

const readers: Record<string, MiddlewareHandler> = {
  "as JSON": async (c, next) => {
    await c.req.json().catch(() => undefined);
    await next();
  },
  "as text": async (c, next) => {
    await c.req.text();
    await next();
  },
  "as bytes": async (c, next) => {
    await c.req.arrayBuffer();
    await next();
  },
  "from a copy of the request": async (c, next) => {
    await c.req.raw.clone().text();
    await next();
  },
};

const body = JSON.stringify({ ...house, MedInc: "1_0" });
const invalid = '{"MedInc":1.50,"10":1,"2":12345678901234567890}';
const list = JSON.stringify({ houses: Array.from({ length: 1000 }, () => house) });
const json = { "content-type": "application/json" };

describe.each(Object.entries(readers))("a middleware that reads the body %s", (_, middleware) => {
  test("predictions in process are unchanged by a middleware that reads the body", async () => {
    const app = appBehind(middleware);
    expect(await (await post(app, "/predict", body)).json()).toEqual({ prediction: 10 });
    const expected = await (await post(appUnderTest(), "/predict", invalid)).text();
    expect(await (await post(app, "/predict", invalid)).text()).toBe(expected);
    expect((await post(app, "/bulk_predict", list)).status).toBe(200);
  });

  test("predictions over HTTP are unchanged by a middleware that reads the body", async () => {
    const url = `http://127.0.0.1:${await serve(appBehind(middleware))}`;
    const send = (path: string, text: string) =>
      fetch(`${url}${path}`, { method: "POST", headers: json, body: text });
    expect(await (await send("/predict", body)).json()).toEqual({ prediction: 10 });
    expect((await send("/predict", invalid)).status).toBe(422);
    expect((await send("/bulk_predict", list)).status).toBe(200);
    expect((await send("/predict", " ".repeat(2_000_000))).status).toBe(413);
    expect((await send("/predict", body)).status).toBe(200);
  });
});

test("a middleware can set a header on every response", async () => {
  const app = appBehind(async (c, next) => {
    await next();
    c.header("X-Extra", "yes");
  });
  for (const path of ["/hello?name=x", "/health", "/docs", "/openapi.json", "/nope", "/hello/"]) {
    expect((await app.request(path)).headers.get("x-extra")).toBe("yes");
  }
  expect((await post(app, "/predict", house)).headers.get("x-extra")).toBe("yes");
  expect((await post(app, "/predict", {})).headers.get("x-extra")).toBe("yes");
});

test("an error in a middleware gives a logged 500 in JSON with a request id", async () => {
  const app = appBehind(() => {
    throw new Error("broken middleware");
  });
  const response = await post(app, "/predict", house, { "x-request-id": "abc" });
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ detail: "Internal Server Error" });
  expect(response.headers.get("x-request-id")).toBe("abc");
});
