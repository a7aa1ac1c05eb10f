import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { MemoryCache, memoryStore } from "../src/cache/memory.ts";
import { ReadThrough } from "../src/cache/read-through.ts";
import { createAccessLog, type LoggedPrediction } from "../src/telemetry/access-log.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { house } from "./house-model.ts";

function logs(level: string) {
  const written: string[] = [];
  const lines = { write: (line: string) => void written.push(line) };
  const logger = pino({ level }, lines);
  return { written, logger, accessLog: createAccessLog(logger, lines) };
}

const line = {
  requestId: "a-1",
  method: "POST",
  path: '/pre"dict\\é\n',
  route: "/*",
  status: 200,
  durationMs: 0.25,
};

const prediction = { model: "california-housing", records: 3, cache: "memory" } as const;

test.each([line, { ...line, path: "/predict", route: "/predict" }, { ...line, prediction }])(
  "the access log writes the same lines as the logger: %j",
  ({ prediction, ...each }: typeof line & { prediction?: LoggedPrediction }) => {
    const { written, logger, accessLog } = logs("info");
    accessLog({ ...each, prediction });
    logger.info({ ...each, ...prediction }, "request");
    const [own = "", its = ""] = written.map((text) => text.replace(/"time":\d+/, '"time":0'));
    expect(own).toBe(its);
  },
);

test.each(["/health", "/v2/health/live", "/v2/health/ready", "/metrics"])(
  "requests for %s are logged only at level debug, and no request is logged above info",
  (path) => {
    const frequent = { ...line, path, route: path };
    for (const [level, expected] of [
      ["debug", 2],
      ["info", 1],
      ["warn", 0],
    ] as const) {
      const { written, accessLog } = logs(level);
      accessLog(frequent);
      accessLog(line);
      expect(written).toHaveLength(expected);
    }
  },
);

describe("the log line of a request", () => {
  async function linesOf(path: string, body: string, headers = {}) {
    const { written, logger, accessLog } = logs("debug");
    const memory = new MemoryCache({ maxBytes: 100_000, ttlSeconds: 60 });
    const cache = new ReadThrough({ memory, storeFor: () => memoryStore(memory), logger });
    const app = appUnderTest({ logger, accessLog, cache });
    for (let sent = 0; sent < 2; sent++) await post(app, path, body, headers);
    return written.map((text): unknown => JSON.parse(text));
  }

  test("the log line of a prediction has the model, the number of records and what the cache did", async () => {
    const both = JSON.stringify({ houses: [house, house] });
    const found = { route: "/bulk_predict", model: "california-housing", records: 2 };
    expect(await linesOf("/bulk_predict", both)).toMatchObject([
      { ...found, cache: "stored" },
      { ...found, cache: "memory" },
    ]);
  });

  test("the log line of an error has no model, records or cache", async () => {
    const [line] = await linesOf("/predict", "{}");
    expect(line).toMatchObject({ status: 422 });
    for (const name of ["model", "records", "cache"]) expect(line).not.toHaveProperty(name);
  });

  test("a log line has neither the body, nor the query, nor a header with a secret", async () => {
    const secret = "s3cret";
    const headers = { authorization: `Bearer ${secret}`, cookie: secret };
    for (const body of [JSON.stringify({ ...house, [secret]: 1 }), secret, `{"${secret}`]) {
      const lines = await linesOf(`/predict?key=${secret}`, body, headers);
      expect(lines).toHaveLength(2);
      expect(JSON.stringify(lines)).not.toContain(secret);
    }
  });
});
