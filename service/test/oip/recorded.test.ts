import { readFileSync } from "node:fs";
import { request as send } from "node:http";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { serve } from "../app-under-test.ts";
import { housingFolder, parseInference, protocolApp } from "./protocol.ts";

const Message = z.object({
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(""),
  /** The body in base64, if it is not text. */
  base64: z.string().optional(),
});

const Answer = Message.extend({ status: z.number() });

const Exchange = z.object({
  case: z.string(),
  request: Message.extend({ method: z.string(), path: z.string() }),
  answers: z.record(z.string(), Answer),
});

type Message = z.infer<typeof Message>;
type Answer = z.infer<typeof Answer>;

const recorded = z
  .array(Exchange)
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "recorded.json"), "utf8")));

function bytesOf({ body, base64, headers }: Message): Buffer {
  const bytes = base64 === undefined ? Buffer.from(body) : Buffer.from(base64, "base64");
  return headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
}

/** The rows of the table of differences in the document: case, status here, reason. */
const document = readFileSync(join(import.meta.dirname, "../../../docs/open-inference.md"), "utf8");
const differences = new Map(
  Array.from(
    document.matchAll(/^\| (.+) \| (\d{3}) \| (.+) \|$/gm),
    ([, cases = "", status, why]) =>
      cases.split("; ").map((name) => [name, { status: Number(status), why }] as const),
  ).flat(),
);

const Anything = z.record(z.string(), z.unknown());
const ErrorBody = z.strictObject({ error: z.string().min(1) });

/** Returns the part of a response that must be the same for every server. */
function commonPartOf({ request }: z.infer<typeof Exchange>, answer: Answer): unknown {
  const { status, headers } = answer;
  if (status >= 400 || !request.path.startsWith("/v2")) return { status };
  const body = bytesOf(answer);
  if (request.path.endsWith("/infer")) {
    const { model_name, id, outputs } = parseInference(
      body,
      headers["inference-header-content-length"],
    );
    const { id: sent } = Anything.catch({}).parse(jsonOf(request));
    // The other servers had an earlier version of the model, which predicted other numbers.
    const shapes = outputs.map(({ data, ...output }) => ({ ...output, numbers: data.length }));
    return { status, model_name, outputs: shapes, ...(sent !== undefined && { id }) };
  }
  const json = body.length === 0 ? {} : z.unknown().parse(JSON.parse(body.toString()));
  if (Array.isArray(json))
    return { status, names: json.map(({ name, state }) => ({ name, state })) };
  const { name, inputs, outputs } = Anything.parse(json);
  if (inputs !== undefined) return { status, name, inputs, outputs };
  // Bodies of other responses differ between servers, and clients read only their status.
  return { status };
}

function jsonOf(message: Message): unknown {
  const length = message.headers["Inference-Header-Content-Length"];
  const bytes = bytesOf(message);
  try {
    return JSON.parse(
      bytes.subarray(0, length === undefined ? undefined : Number(length)).toString(),
    );
  } catch {
    return undefined;
  }
}

describe("recorded exchanges", () => {
  let port = 0;
  let version = "";

  beforeAll(async () => {
    const served = await protocolApp(housingFolder(afterAll));
    version = served.version;
    port = await serve(served.app, 30_000, 1_000, new Metrics(), afterAll);
  });

  function answerTo({ method, path, headers, ...message }: z.infer<typeof Exchange>["request"]) {
    const body = bytesOf({ ...message, headers: {} });
    const target = path.replace("/versions/v1", `/versions/${version}`);
    const length = body.length > 0 || method === "POST" ? { "content-length": body.length } : {};
    return new Promise<Answer>((resolve, reject) => {
      const sent = send({ port, method, path: target, headers: { ...headers, ...length } });
      sent.on("error", reject).end(body);
      sent.on("response", async (response) => {
        const base64 = Buffer.concat(await response.toArray()).toString("base64");
        const status = response.statusCode ?? 0;
        resolve(Answer.parse({ status, headers: response.headers, base64 }));
      });
    });
  }

  test("there are more than 100 recorded exchanges", () => {
    expect(recorded.length).toBeGreaterThan(100);
  });

  test.for(recorded)(
    "the response to $case is equivalent to a recorded one, or documented as different",
    async (exchange) => {
      const answer = await answerTo(exchange.request);
      const { method, path } = exchange.request;
      if (answer.status >= 400 && method !== "HEAD" && path.startsWith("/v2")) {
        ErrorBody.parse(JSON.parse(bytesOf(answer).toString()));
      }
      const essence = commonPartOf(exchange, answer);
      const others = Object.values(exchange.answers).map((other) => commonPartOf(exchange, other));
      const difference = differences.get(exchange.case);
      if (difference === undefined) expect(others).toContainEqual(essence);
      else {
        expect(others).not.toContainEqual(essence);
        expect(answer.status).toBe(difference.status);
      }
    },
  );

  test("docs/open-inference.md lists only cases with a different response", () => {
    const names = new Set(recorded.map((exchange) => exchange.case));
    expect([...differences.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});
