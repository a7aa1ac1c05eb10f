import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { type CorpusRequest, requests } from "./requests.ts";

/** What a FastAPI service answered. */
interface CorpusAnswer {
  readonly status: number;
  /** As a path; absent where there was none. */
  readonly location?: string;
  /** Absent where it is a prediction, which depends on the model, or a page. */
  readonly body?: string;
}

/** Sends a request as it stands: `fetch` would tidy up the target. */
function send(origin: URL, sent: CorpusRequest): Promise<CorpusAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<CorpusAnswer>();
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

const exchanges: { request: CorpusRequest; answer: CorpusAnswer }[] = [];
for (const sent of requests) {
  const answer = await send(new URL(origin), sent);
  if (answer.status !== 500) exchanges.push({ request: sent, answer });
}
const lines = exchanges.map((exchange) => JSON.stringify(exchange));
writeFileSync(new URL("fastapi.json", import.meta.url), `[\n${lines.join(",\n")}\n]\n`);
process.stdout.write(`${lines.length} of ${requests.length} exchanges recorded\n`);
