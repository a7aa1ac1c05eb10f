import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import type { Engine } from "../src/model/engine.ts";
import { createBodyReader } from "../src/records/body-reader.ts";
import { ReaderThread } from "../src/records/reader-thread.ts";
import { Admission } from "../src/routes/admission.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { SentBody } from "../src/wire/sent-body.ts";
import type { SentRequest } from "../src/wire/sent-request.ts";
import {
  appUnderTest,
  defaultLimits,
  firstFeatureEngine,
  houseEngine,
  serve,
} from "./app-under-test.ts";
import { openCache } from "./cache-under-test.ts";
import { house, houseCard } from "./house-model.ts";
import { valuesOf } from "./metric-values.ts";

const mebibyte = 1024 * 1024;
const json = { "content-type": "application/json" };

/** Sends the first part of a body, and leaves out the rest. */
function upload(port: number, path: string, sent: string, length: number): ClientRequest {
  const headers = { ...json, "content-length": length };
  const sending = request({ port, path, method: "POST", headers, agent: false });
  sending.on("error", () => {});
  sending.write(sent);
  onTestFinished(() => void sending.destroy());
  return sending;
}

async function responseOf(sending: ClientRequest) {
  const [response]: IncomingMessage[] = await once(sending, "response");
  const body = Buffer.concat((await response?.toArray()) ?? []).toString();
  return { status: response?.statusCode, headers: response?.headers, body };
}

const post = (port: number, path: string, body: string) =>
  fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers: json, body });

const houses = (count: number) =>
  JSON.stringify({
    houses: Array.from({ length: count }, (_, index) => ({ ...house, MedInc: index + 1 })),
  });

const memoryCache = () => openCache({ memoryBytes: 16 * mebibyte });

/** Ten megabytes that take a long time to read and are rejected at the end. */
const hostile = `{"houses":[${"{},".repeat(10 * (mebibyte / 3))}0]}`;

describe("a large body", () => {
  test("a large body in any notation gets predictions in order", async () => {
    const port = await serve(appUnderTest());
    const expected = Array.from({ length: 3000 }, (_, index) => index + 1);
    for (const body of [houses(3000), houses(3000).replaceAll('"MedInc"', '"M\\u0065dInc"')]) {
      const response = await post(port, "/bulk_predict", body);
      expect(await response.json()).toEqual({ predictions: expected });
    }
  });

  test("a large body gets the same error response as a small one", async () => {
    const port = await serve(appUnderTest());
    const invalid = (padding: string) => `{"houses":[{"MedInc":"é"}],${padding}"x":{"a":1}}`;
    const small = await post(port, "/bulk_predict", invalid(""));
    const large = await post(port, "/bulk_predict", invalid(" ".repeat(200_000)));
    expect(small.status).toBe(422);
    expect(large.status).toBe(422);
    expect(await large.text()).toBe(await small.text());
  });

  // A busy machine may stop the main thread while the other one reads.
  test("other requests do not wait while a large body is read", { retry: 2 }, async () => {
    const port = await serve(appUnderTest());
    const order: string[] = [];
    const large = post(port, "/bulk_predict", hostile).then(({ status }) =>
      order.push(`${status}`),
    );
    for (let count = 0; count < 5; count++) {
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
      expect((await post(port, "/predict", JSON.stringify(house))).status).toBe(200);
      order.push("others");
    }
    await large;
    expect(order).toEqual([...Array(5).fill("others"), "422"]);
  });

  test("a shorter body that arrives later is read first", async () => {
    const port = await serve(appUnderTest());
    const order: number[] = [];
    const send = (length: number) =>
      post(port, "/bulk_predict", hostile.slice(0, length)).then(() => order.push(length));
    await Promise.all([send(9 * mebibyte), send(8 * mebibyte), send(mebibyte / 4)]);
    expect(order.indexOf(mebibyte / 4)).toBeLessThan(2);
  });
});

test("a record longer than MAX_RECORD_BYTES gets 413, a list of that length does not", async () => {
  const port = await serve(appUnderTest());
  const padded = JSON.stringify(house).replace("}", `${" ".repeat(mebibyte)}}`);
  expect((await post(port, "/predict", padded)).status).toBe(413);
  expect((await post(port, "/bulk_predict", `{"houses":[${padded}]}`)).status).toBe(200);
});

describe("MAX_BYTES_IN_FLIGHT", () => {
  const limits = { maxBytesInFlight: 4 * mebibyte };

  test("beyond MAX_BYTES_IN_FLIGHT, large bodies get 503 with Retry-After, and small ones are served", async () => {
    const metrics = new Metrics();
    const port = await serve(appUnderTest({ limits, metrics }));
    const held = upload(port, "/bulk_predict", " ".repeat(2.9 * mebibyte), 3 * mebibyte);
    const inFlight = () => valuesOf(metrics, "http_body_in_flight_bytes")[""] ?? 0;
    await vi.waitUntil(() => inFlight() > 2.8 * mebibyte, waitOptions);
    const second = upload(port, "/bulk_predict", " ".repeat(mebibyte / 2), mebibyte);
    expect(await responseOf(second)).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      body: '{"detail":"Service Unavailable"}',
    });
    expect((await post(port, "/predict", JSON.stringify(house))).status).toBe(200);

    held.destroy();
    const list = houses(5000);
    await vi.waitFor(async () => {
      expect((await post(port, "/bulk_predict", list)).status).toBe(200);
    }, waitOptions);
  });

  test("incomplete uploads give back their bytes after the timeout", async () => {
    const port = await serve(appUnderTest({ limits: { ...limits, requestTimeoutMs: 100 } }));
    const held = upload(port, "/bulk_predict", " ".repeat(2.9 * mebibyte), 3 * mebibyte);
    expect((await responseOf(held)).status).toBe(504);
    const other = upload(port, "/bulk_predict", " ".repeat(2.9 * mebibyte), 3 * mebibyte);
    expect((await responseOf(other)).status).toBe(504);
  });

  test("the bytes of a large response count until it is sent or its client disconnects", () => {
    const admission = new Admission({ ...defaultLimits, ...limits }, new Metrics());
    const closes: (() => void)[] = [];
    const onClose = (callback: () => void) => closes.push(callback) > 0;
    const sentTo = { onClose, limitStall() {} } as unknown as SentRequest;
    admission.holdUntilSent(sentTo, 3 * mebibyte);
    expect(() => admission.holdUntilSent(sentTo, mebibyte)).toThrow("refused with 503");
    for (const close of closes) close();
    admission.holdUntilSent(sentTo, 3 * mebibyte);
  });
});

/** Creates an engine whose predictions never end, and which records the signals it receives. */
function endlessEngine() {
  const signals: (AbortSignal | undefined)[] = [];
  const engine: Engine = {
    ...houseEngine,
    predict(_, client) {
      const signal = client?.signal;
      signals.push(signal);
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason)),
      );
    },
  };
  return { engine, signals };
}

describe("cancelled work", () => {
  test("work is cancelled if its client disconnects, and another request is accepted", async () => {
    const { engine, signals } = endlessEngine();
    const port = await serve(appUnderTest({ engine, limits: { maxConcurrentRequests: 1 } }));
    const body = JSON.stringify(house);
    const first = upload(port, "/predict", body, body.length);
    await vi.waitFor(() => expect(signals).toHaveLength(1), waitOptions);
    expect((await post(port, "/predict", body)).status).toBe(503);
    first.destroy();
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), waitOptions);
    upload(port, "/predict", body, body.length);
    await vi.waitFor(() => expect(signals).toHaveLength(2), waitOptions);
  });

  test("work is cancelled on timeout", async () => {
    const { engine, signals } = endlessEngine();
    const port = await serve(appUnderTest({ engine, limits: { requestTimeoutMs: 50 } }));
    await vi.waitUntil(async () => {
      expect((await post(port, "/predict", JSON.stringify(house))).status).toBe(504);
      // On a busy machine, the time may be over before the model is asked.
      return signals.length > 0;
    }, waitOptions);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });
});

describe("the reader thread", () => {
  const task = (text: string) => {
    const block = new Uint8Array(Buffer.byteLength(text));
    block.set(Buffer.from(text));
    return { shape: "many", blocks: [block] } as const;
  };
  const never = new AbortController().signal;

  test("a body that exhausts the reader thread's memory gets 413, and the thread is replaced", async () => {
    const reader = createBodyReader(houseCard, 10, 4);
    onTestFinished(() => reader.close());
    for (let attempt = 0; attempt < 2; attempt++) {
      const body = new SentBody();
      body.add(Buffer.alloc(mebibyte, "["));
      const read = async () => reader.read("many", body, { signal: never });
      await expect(read()).rejects.toMatchObject({ status: 413 });
    }
  });

  test("the reader thread does not read a body that was abandoned while it waited", async () => {
    const program = new URL("../src/records/reader-worker.ts", import.meta.url);
    const thread = new ReaderThread(program, { schema: houseCard, maxRecords: 10 });
    onTestFinished(() => thread.close());
    const abandoned = new AbortController();
    const first = thread.read(task('{"houses":[]}'), never);
    const second = thread.read(task('{"houses":[]} '), abandoned.signal);
    abandoned.abort();
    await expect(second).rejects.toThrow("nobody is waiting");
    expect(await first).toEqual(new Float32Array());
  });
});

test("a request that waits for another's prediction still gets one if that client disconnects", async () => {
  const begun = Promise.withResolvers<void>();
  const inner = firstFeatureEngine();
  let calls = 0;
  const engine: Engine = {
    ...inner,
    async predict(matrix, client) {
      if (calls++ > 0) return inner.predict(matrix);
      begun.resolve();
      const signal = client?.signal;
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason)),
      );
    },
  };
  const { readThrough } = await memoryCache();
  const metrics = new Metrics();
  const port = await serve(appUnderTest({ engine, cache: readThrough, metrics }));
  const body = JSON.stringify(house);
  const leader = upload(port, "/predict", body, body.length);
  await begun.promise;
  const follower = post(port, "/predict", `${body} `);
  await vi.waitUntil(() => valuesOf(metrics, "http_requests_in_flight")[""] === 2, waitOptions);
  await delay(100);
  leader.destroy();
  const response = await follower;
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ prediction: Math.fround(house.MedInc) });
});

test("a client that does not read its responses is disconnected", async () => {
  const { readThrough } = await memoryCache();
  const port = await serve(
    appUnderTest({ cache: readThrough, limits: { requestTimeoutMs: 2_000 } }),
  );
  const list = houses(20_000).replaceAll(/"MedInc":(\d+)/g, '"MedInc":$1.1');
  const text = await vi.waitFor(async () => {
    const response = await post(port, "/bulk_predict", list);
    expect(response.status).toBe(200);
    return response.text();
  }, waitOptions);
  const head = `POST /bulk_predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${list.length}\r\n\r\n`;
  const socket = connect(port, "127.0.0.1").pause();
  socket.on("error", () => {});
  // More than the socket buffers of both sides can hold.
  const requests = Math.ceil((40 * mebibyte) / text.length);
  socket.write(`${head}${list}`.repeat(requests));
  await new Promise((closed) => socket.once("close", closed));
  await vi.waitFor(
    async () => expect((await post(port, "/bulk_predict", list)).status).toBe(200),
    waitOptions,
  );
});

test("a body of thousands of tiny chunks gets 400, and its connection is closed", async () => {
  const port = await serve(appUnderTest());
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  const head = "POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.write(head + "1\r\nx\r\n".repeat(5_000));
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  await new Promise((closed) => socket.once("close", closed));
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(text).toContain('{"detail":"The body has too many small chunks"}');
});

test("a body of a thousand small chunks is read", async () => {
  const port = await serve(appUnderTest());
  const body = JSON.stringify(house).padEnd(1000);
  const sending = request({ port, path: "/predict", method: "POST", headers: json });
  for (const character of body) sending.write(character);
  sending.end();
  expect((await responseOf(sending)).status).toBe(200);
});
