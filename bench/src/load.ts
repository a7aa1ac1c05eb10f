import { driveByAutocannon } from "./autocannon.ts";
import type { Bodies } from "./houses.ts";
import type { Server } from "./servers.ts";
import { driveByWrk, hasWrk } from "./wrk.ts";

/** How hard, and how long: each connection asks again as soon as it is answered. */
export interface Pressure {
  readonly connections: number;
  /**
   * When it ends. A number of requests, no smaller than that of connections, is for answers of which
   * a few seconds hold so few that the broken-off ones would tell.
   */
  readonly until: { readonly seconds: number } | { readonly requests: number };
}

/** How a server is driven. */
export interface Load extends Pressure {
  readonly path: string;
  /** What is posted; without bodies it is GET. */
  readonly bodies?: Bodies;
}

/** What came of it. */
export interface Measurement {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than a 2xx, errors of connections, and requests without an answer. */
  readonly faults: number;
  /** Cores that the client kept busy. It has one thread: near 1, it is itself the limit. */
  readonly clientCores: number;
}

/** The client that {@link drive} uses for loads of so many seconds. */
export const client = (): "wrk" | "autocannon" => (hasWrk() ? "wrk" : "autocannon");

/**
 * Drives a server: by wrk where it is installed, which costs a third of what autocannon costs, and
 * by autocannon for a number of requests, which wrk can't count.
 *
 * @throws where any answer was not a 2xx, or none came: such a run measures something else
 */
export async function drive(server: Server, load: Load): Promise<Measurement> {
  const isByWrk = "seconds" in load.until && hasWrk();
  const measurement = await (isByWrk ? driveByWrk : driveByAutocannon)(server, load);
  const { faults, requests } = measurement;
  if (faults > 0 || requests === 0) {
    throw new Error(`void: ${faults} faults beside ${requests} answers of ${load.path}`);
  }
  return measurement;
}

/** What came back. */
export interface Answer {
  readonly headers: Headers;
  readonly body: string;
}

/**
 * Posts one request and waits for its answer.
 *
 * @throws where it is not a 2xx
 */
export async function ask(server: Server, path: string, body: string): Promise<Answer> {
  const url = `http://127.0.0.1:${server.port}${path}`;
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = { headers: response.headers, body: await response.text() };
  if (!response.ok) throw new Error(`void: ${path} answered ${response.status}`);
  return answer;
}
