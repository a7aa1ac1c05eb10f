import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { type CorpusRequest, requests } from "./requests.ts";

/** The response of a FastAPI service. */
interface CorpusResponse {
  readonly status: number;
  /** The path in the `Location` header, if any. */
  readonly location?: string;
  /** Absent for predictions, which depend on the model, and for pages. */
  readonly body?: string;
}

/** Sends a request without changes. `fetch` would normalize the target. */
function send(origin: URL, sent: CorpusRequest): Promise<CorpusResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<CorpusResponse>();
  const body = Buffer.from(sent.body ?? "");
  const headers: Record<string, string | number> = { "content-length": body.length };
  if (sent.contentType !== undefined) headers["content-type"] = sent.contentType;
  const { hostname, port } = origin;
  request({ hostname, port, method: sent.method, path: sent.target, headers }, async (response) => {
    const { statusCode: status = 0, headers } = response;
    const text = Buffer.concat(await response.toArray()).toString();
    const location = headers.location?.replace(origin.origin, "");
    const told = status === 200 && !sent.target.includes("hello") ? undefined : text;
    resolve({
      status,
      ...(location !== undefined && { location }),
      ...(told && { body: told }),
    });
  })
    .on("error", reject)
    .end(body);
  return promise;
}

const [origin] = process.argv.slice(2);
if (origin === undefined) throw new Error("usage: node record.ts http://HOST:PORT");

const exchanges: { request: CorpusRequest; answer: CorpusResponse }[] = [];
for (const sent of requests) {
  const answer = await send(new URL(origin), sent);
  if (answer.status !== 500) exchanges.push({ request: sent, answer });
}
const lines = exchanges.map((exchange) => JSON.stringify(exchange));
writeFileSync(new URL("fastapi.json", import.meta.url), `[\n${lines.join(",\n")}\n]\n`);
process.stdout.write(`${lines.length} of ${requests.length} exchanges recorded\n`);
