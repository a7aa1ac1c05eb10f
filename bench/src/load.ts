import autocannon from "autocannon";
import type { BodySource } from "./houses.ts";
import type { Server } from "./servers.ts";

/** One measurement. */
export interface Load {
  readonly path: string;
  /** Called for each request. */
  readonly body: BodySource;
  readonly connections: number;
  readonly seconds: number;
}

/**
 * Sends requests as fast as they are answered.
 *
 * @returns requests a second
 * @throws where any answer was not a 2xx, or none came: such a run measures something else
 */
export async function measure(server: Server, load: Load): Promise<number> {
  const { path, body, connections, seconds } = load;
  const result = await autocannon({
    url: `http://127.0.0.1:${server.port}${path}`,
    method: "POST",
    headers: { "content-type": "application/json" },
    connections,
    duration: seconds,
    body: body(),
    setupClient(client) {
      client.setBody(body());
      client.on("response", () => client.setBody(body()));
    },
  });
  const faults = result.non2xx + result.errors + result.timeouts;
  if (faults > 0 || result["2xx"] === 0) {
    throw new Error(`void: ${faults} faults beside ${result["2xx"]} answers of ${path}`);
  }
  return result["2xx"] / result.duration;
}

/** What came back. */
export interface Answer {
  readonly headers: Headers;
  readonly body: string;
}

/** Sends one request and waits for its answer. */
export async function ask(server: Server, path: string, body: string): Promise<Answer> {
  const url = `http://127.0.0.1:${server.port}${path}`;
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = { headers: response.headers, body: await response.text() };
  if (!response.ok) throw new Error(`void: ${path} answered ${response.status}`);
  return answer;
}
