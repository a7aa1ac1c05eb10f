import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Limits } from "../src/routes/limits.ts";
import { appUnderTest, houseEngine, post, serve } from "./app-under-test.ts";
import { appWithFullBacklog } from "./full-backlog.ts";
import { house } from "./house-model.ts";
import { exchange, parseResponses } from "./raw-socket.ts";

interface Answer {
  readonly status: number | undefined;
  readonly body: string | undefined;
}

const document = join(import.meta.dirname, "../../docs/configuration.md");

/** The table rows with a status and a JSON body. */
const rows = Array.from(
  readFileSync(document, "utf8").matchAll(/^\| (.+) \| (\d{3}) \| `(\{.*\})` \|$/gm),
  ([, limit = "", status, body = ""]) => ({ limit, answer: { status: Number(status), body } }),
);

const text = JSON.stringify(house);
const houses = (count: number) => JSON.stringify({ houses: Array(count).fill(house) });

async function send(
  body: string,
  limits: Partial<Limits> = {},
  { path = "/predict", headers = {} } = {},
): Promise<Answer> {
  const response = await post(appUnderTest({ limits }), path, body, headers);
  return { status: response.status, body: await response.text() };
}

/** Sends two concurrent requests to an app whose model never finishes. */
async function sendTwo(limits: Partial<Limits>): Promise<Answer> {
  const predict = () => new Promise<never>(() => {});
  const app = appUnderTest({ engine: { ...houseEngine, predict }, limits });
  const response = await Promise.race([post(app, "/predict", text), post(app, "/predict", text)]);
  return { status: response.status, body: await response.text() };
}

const longHeader = `GET /health HTTP/1.1\r\nX-Long: ${"x".repeat(64 * 1024)}\r\n\r\n`;
const chunked =
  "POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
const smallChunks = chunked + "1\r\n \r\n".repeat(1_025);

/** Sends a request to an app with many predictions that wait. */
async function sendMany(): Promise<Answer> {
  const { app } = await appWithFullBacklog();
  const response = await post(app, "/predict", text);
  return { status: response.status, body: await response.text() };
}

/** Sends the text of a request over a connection. */
async function sendRaw(request: string): Promise<Answer> {
  const [response] = parseResponses(await exchange(await serve(appUnderTest()), request));
  return { status: response?.status, body: response?.body };
}

/** How to exceed each limit. */
const exceed: Readonly<Record<string, () => Promise<Answer>>> = {
  "`MAX_BODY_BYTES`": () => send(houses(2), { maxBodyBytes: 100 }, { path: "/bulk_predict" }),
  "`MAX_RECORD_BYTES`": () => send(text, { maxRecordBytes: 100 }),
  "`MAX_BYTES_IN_FLIGHT`": () => send(text, { maxBytesInFlight: 100 }),
  "`MAX_HEADER_BYTES`": () => sendRaw(longHeader),
  "`MAX_HOUSES`": () => send(houses(3), { maxHouses: 2 }, { path: "/bulk_predict" }),
  "`MAX_EXPLAINED`": () => send(houses(3), { maxExplained: 2 }, { path: "/bulk_explain" }),
  "`MAX_CONCURRENT_REQUESTS`": () => sendTwo({ maxConcurrentRequests: 1 }),
  "`MAX_WAIT_MS`": sendMany,
  "`REQUEST_TIMEOUT_MS`": () => sendTwo({ requestTimeoutMs: 20 }),
  "a body with a `Content-Encoding` other than `identity`": () =>
    send(text, {}, { headers: { "content-encoding": "gzip" } }),
  "JSON nested deeper than 900 levels": () => send("[".repeat(901) + "]".repeat(901)),
  "an integer of more than 4,300 digits": () => send("1".repeat(4301)),
  "more than 1,024 chunks with a mean length of less than 16 bytes": () => sendRaw(smallChunks),
};

test("docs/configuration.md lists the response for each limit", () => {
  expect(rows.map(({ limit }) => limit)).toEqual(Object.keys(exceed));
});

test.for(rows)("beyond $limit, the response is the documented one", async ({ limit, answer }) => {
  expect(await exceed[limit]?.()).toEqual(answer);
});
