import { readFileSync } from "node:fs";
import { request } from "node:http";
import { expect, test } from "vitest";
import { z } from "zod";
import { appUnderTest, serve } from "./app-under-test.ts";

const Corpus = z.array(
  z.object({
    request: z.object({
      method: z.string(),
      target: z.string(),
      contentType: z.string().optional(),
      body: z.string().optional(),
    }),
    answer: z.object({
      status: z.number(),
      location: z.string().optional(),
      body: z.string().optional(),
    }),
  }),
);

type Exchange = z.infer<typeof Corpus>[number];

const corpus = Corpus.parse(
  JSON.parse(readFileSync(new URL("corpus/fastapi.json", import.meta.url), "utf8")),
);

function title({ request: { method, target, contentType, body } }: Exchange): string {
  return [method, target, contentType, body && JSON.stringify(body).slice(0, 100)].join(" ");
}

function check({ answer }: Exchange, status: number, location: string | undefined, body: string) {
  expect({ status, location }).toEqual({ status: answer.status, location: answer.location });
  if (answer.body !== undefined) expect(body).toBe(answer.body);
}

test("the corpus has more than 500 requests", () => {
  expect(corpus.length).toBeGreaterThan(500);
});

/** The Fetch standard forbids a request with the method TRACE. */
const fetchable = corpus.filter(({ request }) => request.method !== "TRACE");

test.for(fetchable)(
  "the response is FastAPI's: $request.method $request.target $request.body",
  async (exchange) => {
    const { method, target, contentType, body } = exchange.request;
    const bytes = Buffer.from(body ?? "");
    const headers = { "content-length": String(bytes.length) };
    const response = await appUnderTest().request(`http://localhost${target}`, {
      method,
      headers: contentType === undefined ? headers : { ...headers, "content-type": contentType },
      ...(body !== undefined && { body: bytes }),
    });
    const location = response.headers.get("location") ?? undefined;
    check(exchange, response.status, location, await response.text());
  },
);

test("all responses over HTTP are the same as FastAPI's", async () => {
  const port = await serve(appUnderTest());
  for (const exchange of corpus) {
    const { method, target, contentType, body } = exchange.request;
    const bytes = Buffer.from(body ?? "");
    const headers: Record<string, string | number> = { "content-length": bytes.length };
    if (contentType !== undefined) headers["content-type"] = contentType;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    request({ port, method, path: target, headers }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      try {
        check(exchange, response.statusCode ?? 0, response.headers.location, text);
        resolve();
      } catch (error) {
        reject(new Error(title(exchange), { cause: error }));
      }
    })
      .on("error", reject)
      .end(bytes);
    await promise;
  }
});
