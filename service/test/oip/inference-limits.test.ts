import { request } from "node:http";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { appUnderTest, firstFeatureEngine, houseEngine, post, serve } from "../app-under-test.ts";
import { house } from "../house-model.ts";
import { binaryRequest } from "./protocol.ts";

const path = "/v2/models/housing/infer";
const row = Object.values(house);
const mebibyte = 1024 * 1024;

const table = (rows: number) => ({
  inputs: [
    { name: "houses", shape: [rows, 8], datatype: "FP32", data: Array(rows).fill(row).flat() },
  ],
});
const one = JSON.stringify(table(1));

const ErrorBody = z.strictObject({ error: z.string() });

async function errorOf(response: Response) {
  return { status: response.status, ...ErrorBody.parse(await response.json()) };
}

describe("limits of inference requests", () => {
  const hanging = { ...houseEngine, predict: () => new Promise<never>(() => {}) };

  test("a body longer than MAX_BODY_BYTES gets 413", async () => {
    const app = appUnderTest({ limits: { maxBodyBytes: 100 } });
    expect(await errorOf(await post(app, path, one))).toEqual({
      status: 413,
      error: "Content Too Large",
    });
  });

  test("more bytes than MAX_BYTES_IN_FLIGHT get 503 with Retry-After", async () => {
    const app = appUnderTest({ limits: { maxBytesInFlight: 100 } });
    const response = await post(app, path, one);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await errorOf(response)).toEqual({ status: 503, error: "Service Unavailable" });
  });

  test("/predict and infer share MAX_CONCURRENT_REQUESTS", async () => {
    const app = appUnderTest({ engine: hanging, limits: { maxConcurrentRequests: 1 } });
    void post(app, "/predict", house);
    await new Promise(setImmediate);
    const response = await post(app, path, one);
    expect(response.headers.get("retry-after")).toBe("1");
    expect((await errorOf(response)).status).toBe(503);
  });

  test("an inference request that takes longer than REQUEST_TIMEOUT_MS gets 504", async () => {
    const app = appUnderTest({ engine: hanging, limits: { requestTimeoutMs: 20 } });
    expect(await errorOf(await post(app, path, one))).toEqual({
      status: 504,
      error: "Gateway Timeout",
    });
  });

  test("more rows than MAX_HOUSES get 400, in JSON and in binary", async () => {
    const app = appUnderTest({ limits: { maxHouses: 2 } });
    const error = 'input "houses" has 3 rows; at most 2 are allowed';
    expect(await errorOf(await post(app, path, table(3)))).toEqual({ status: 400, error });
    const [input] = table(3).inputs;
    const { body, headers } = binaryRequest(
      { inputs: [{ ...input, data: undefined, parameters: { binary_data_size: 96 } }] },
      Buffer.alloc(96),
    );
    expect(await errorOf(await post(app, path, body, headers))).toEqual({ status: 400, error });
  });

  test("an unexpected error of the engine gets 500 in the form of the protocol", async () => {
    const predict = () => Promise.reject(new Error("broken"));
    const app = appUnderTest({ engine: { ...houseEngine, predict } });
    expect(await errorOf(await post(app, path, one))).toEqual({
      status: 500,
      error: "Internal Server Error",
    });
  });
});

describe("compressed inference requests", () => {
  test.each([
    ["gzip", gzipSync(one)],
    ["x-gzip", gzipSync(one)],
    ["GZIP, identity", gzipSync(one)],
    ["deflate", deflateSync(one)],
    ["identity", Buffer.from(one)],
    ["gzip", gzipSync(JSON.stringify(table(3000)), { level: 0 })],
  ])("a body with Content-Encoding %s is decoded", async (encoding, body) => {
    const response = await post(appUnderTest(), path, body, { "content-encoding": encoding });
    expect(response.status).toBe(200);
  });

  test.each([
    ["br", 415, "Unsupported Media Type"],
    ["gzip, gzip", 415, "Unsupported Media Type"],
    ["gzip", 400, "the body is not valid gzip: incorrect header check"],
    ["deflate", 400, "the body is not valid deflate: incorrect header check"],
  ])("an uncompressed body with Content-Encoding %s gets %d", async (encoding, status, error) => {
    const response = await post(appUnderTest(), path, one, { "content-encoding": encoding });
    expect(await errorOf(response)).toEqual({ status, error });
  });

  test("a truncated compressed body gets 400", async () => {
    const body = gzipSync(one).subarray(0, -10);
    const response = await post(appUnderTest(), path, body, { "content-encoding": "gzip" });
    expect(await errorOf(response)).toEqual({
      status: 400,
      error: "the body is not valid gzip: unexpected end of file",
    });
  });

  test("MAX_BODY_BYTES limits the decompressed length: a bomb gets 413", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * mebibyte, " "));
    expect(bomb.length).toBeLessThan(mebibyte / 8);
    const response = await post(appUnderTest(), path, bomb, { "content-encoding": "gzip" });
    expect(await errorOf(response)).toEqual({ status: 413, error: "Content Too Large" });
  });

  test("MAX_BYTES_IN_FLIGHT counts the decompressed bytes, and gives them back", async () => {
    const app = appUnderTest({ limits: { maxBytesInFlight: mebibyte } });
    const bomb = gzipSync(Buffer.alloc(2 * mebibyte, " "));
    for (let count = 0; count < 3; count++) {
      const response = await post(app, path, bomb, { "content-encoding": "gzip" });
      expect((await errorOf(response)).status).toBe(503);
    }
    expect((await post(app, path, one)).status).toBe(200);
  });

  test.each([
    ["gzip", "gzip"],
    ["deflate, gzip;q=0.5", "gzip"],
    ["deflate", "deflate"],
    ["gzip;q=0, deflate", "deflate"],
    ["br", undefined],
    ["gzip;q=0", undefined],
  ])(
    "a long response to Accept-Encoding %s has Content-Encoding %s",
    async (accepted, encoding) => {
      const app = appUnderTest();
      const headers = { "accept-encoding": accepted };
      const long = await post(app, path, table(1000), headers);
      expect(long.headers.get("vary")).toBe("Accept-Encoding");
      expect(long.headers.get("content-encoding") ?? undefined).toBe(encoding);
      if (encoding === "gzip") {
        const { outputs } = JSON.parse(gunzipSync(await long.arrayBuffer()).toString());
        expect(outputs[0].data).toEqual(Array(1000).fill(Math.fround(house.MedInc)));
      }
      const short = await post(app, path, table(1), headers);
      expect(short.headers.get("content-encoding")).toBeNull();
    },
  );

  test("only responses of the protocol are compressed, not those of /bulk_predict", async () => {
    const body = { houses: Array(1000).fill(house) };
    const response = await post(appUnderTest(), "/bulk_predict", body, {
      "accept-encoding": "gzip",
    });
    expect(response.headers.get("content-encoding")).toBeNull();
    const encoded = await post(appUnderTest(), "/bulk_predict", gzipSync(JSON.stringify(body)), {
      "content-encoding": "gzip",
    });
    expect(encoded.status).toBe(415);
  });
});

describe("large inference requests", () => {
  const send = (port: number, body: string | Buffer, headers = {}) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      request({ port, path, method: "POST", headers }, async (response) => {
        const bytes = Buffer.concat(await response.toArray());
        resolve({ status: response.statusCode, body: bytes.toString() });
      })
        .on("error", reject)
        .end(body);
    });

  const hostile: readonly [what: string, body: string, error: string][] = [
    [
      "many objects",
      `{"x":[${"{},".repeat(8 * mebibyte)}0],"inputs":[]}`,
      "bytes without data; at most 1048576 are allowed",
    ],
    [
      "elements that are not numbers",
      `{"inputs":[{"name":"houses","shape":[100000,8],"datatype":"FP32","data":[${"1,".repeat(8 * mebibyte)}""]}]}`,
      "so it needs 800000 elements; data has more",
    ],
    [
      "one very long number",
      `{"inputs":[{"name":"houses","shape":[1,8],"datatype":"FP32","data":[0.${"1".repeat(16 * mebibyte)},1]}]}`,
      "so it needs 8 elements; data has 2",
    ],
    [
      "many lists",
      `{"inputs":[{"name":"houses","shape":[100000,8],"datatype":"FP32","data":[${"[],".repeat(5 * mebibyte)}[]]}]}`,
      "must be a flat list, or 100000 lists of 8",
    ],
    ["a long id", `{"id":"${"x".repeat(500_000)}"}`, "id must have at most 1024 characters"],
  ];

  test.each<[what: string, body: string]>([
    ["inputs", `{"inputs":[${"1,".repeat(32_000)}1]}`],
    [
      "dimensions",
      `{"inputs":[{"name":"houses","datatype":"FP32","data":[],"shape":[${'"",'.repeat(20_000)}1]}]}`,
    ],
    ["outputs", `{"inputs":[{}],"outputs":[${"1,".repeat(32_000)}1]}`],
  ])("thousands of invalid %s get one error", async (_, body) => {
    const { status, error } = await errorOf(await post(appUnderTest(), path, body));
    expect({ status, length: error.length < 100 }).toEqual({ status: 400, length: true });
  });

  test.each(hostile)(
    "%s get an error, and other requests do not wait for it",
    // A busy machine may stop the main thread while the other one reads.
    { retry: 2 },
    async (_, body, error) => {
      const port = await serve(appUnderTest());
      const order: string[] = [];
      const large = send(port, body).then((response) => {
        order.push("large");
        return response;
      });
      for (let count = 0; count < 5; count++) {
        expect((await send(port, one)).status).toBe(200);
        order.push("others");
      }
      const response = await large;
      expect(response).toMatchObject({ status: 400, body: expect.stringContaining(error) });
      expect(order).toEqual([...Array(5).fill("others"), "large"]);
    },
  );

  test("a large binary body is read in a thread, and its response is written in several turns", async () => {
    const rows = 100_000;
    const { body, headers } = binaryRequest(
      {
        parameters: { binary_data_output: true },
        inputs: [
          {
            ...table(0).inputs[0],
            ...{ shape: [rows, 8], data: undefined, parameters: { binary_data_size: rows * 32 } },
          },
        ],
      },
      Buffer.from(Float32Array.from({ length: rows * 8 }, (_, index) => index + 1).buffer),
    );
    const engine = firstFeatureEngine();
    const port = await serve(appUnderTest({ engine }));
    const response = await send(port, body, headers);
    expect(response.status).toBe(200);
    expect(engine.batches[0]?.length).toBe(rows * 8);
  });
});
