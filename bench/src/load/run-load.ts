import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { bodyHeader, newBodies } from "../request-bodies.ts";
import { quantile } from "../turns.ts";
import { Connection, headerOf, requestHead } from "./connection.ts";

/** What clients send, and for how long. By default, they send until they are stopped. */
export const Load = z.object({
  origin: z.string(),
  path: z.string(),
  /** The number of houses in each body. If absent, the requests are GETs. */
  houses: z.number().optional(),
  /** The share of requests whose body was sent before, from 0 to 1. */
  known: z.number().default(0),
  /** A different seed gives different bodies. */
  seed: z.number().default(1),
  /** The expected `X-Cache`. */
  cache: z.enum(["HIT", "MISS"]).optional(),
  /** Each client sends its next request `pauseMs` after the response to the last one. */
  clients: z.number().default(1),
  pauseMs: z.number().default(0),
  /** Whether each client sends `GET /health` before each of its requests. */
  healthFirst: z.boolean().default(false),
  /** If set, requests are sent at random moments at this rate, without waiting for responses. */
  perSecond: z.number().optional(),
  seconds: z.number().optional(),
});
export type Load = z.input<typeof Load>;

/** What the clients measured. Times are in milliseconds, and those of responses with status 200. */
export const Measurement = z.object({
  requestsPerSecond: z.number(),
  requests: z.number(),
  ...{ p50: z.number(), p95: z.number(), p99: z.number(), worst: z.number() },
  hitShare: z.number(),
  /** The number of responses of each wrong kind, such as `lost`, `503` or `BYPASS`. */
  faults: z.record(z.string(), z.number()),
  /**
   * The share of a core that the client used. It has one thread: near 1, the client is the limit.
   */
  clientCores: z.number(),
});
export type Measurement = z.infer<typeof Measurement>;

const sources = new Map<string, { known: readonly string[]; next: () => string }>();
/** The servers and known requests whose responses are in the cache. */
const filled = new Set<string>();

/**
 * Returns the requests of a load. A later load of the same kind continues where this one ends, so
 * no new body is sent twice.
 */
function sourceOf({ path, houses, seed }: z.infer<typeof Load>) {
  const get = requestHead(path);
  if (houses === undefined) return { known: [], next: () => get };
  const key = `${path} ${houses} ${seed}`;
  let source = sources.get(key);
  if (source === undefined) {
    const bodies = newBodies(path, houses, seed);
    const header = bodyHeader(path);
    const next = () => {
      const body = bodies();
      return requestHead(path, body.length, header) + body;
    };
    // Many, since concurrent requests with the same body share one query to Redis.
    const length = Math.max(8, Math.min(400, Math.floor(64_000 / houses)));
    source = { known: Array.from({ length }, next), next };
    sources.set(key, source);
  }
  return source;
}

/** Sends known requests twice, so that their responses are in the server's cache. */
async function fillCache(origin: string, known: readonly string[]): Promise<void> {
  const key = `${origin} ${known[0]}`;
  if (filled.has(key)) return;
  filled.add(key);
  const connection = new Connection(origin);
  for (const request of [...known, ...known]) await connection.request(request);
  connection.close();
}

/**
 * Sends a load from this process.
 *
 * @param stop ends the load when the requests in flight have their responses
 */
export async function runLoad(input: Load, stop?: AbortSignal): Promise<Measurement> {
  const load = Load.parse(input);
  const { origin, cache, perSecond, seconds = Number.POSITIVE_INFINITY } = load;
  const source = sourceOf(load);
  if (load.known > 0) await fillCache(origin, source.known);

  const latencies: number[] = [];
  let requests = 0;
  const faults: Record<string, number> = {};
  let predictions = 0;
  let hits = 0;
  const idle: Connection[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const isDue = () => !stop?.aborted && performance.now() - start < seconds * 1000;

  async function send(request: string, demanded: string | undefined): Promise<void> {
    let connection = idle.pop();
    if (!connection?.isOpen) connection = new Connection(origin);
    requests++;
    const sent = performance.now();
    const { status, head } = await connection.request(request);
    if (status === "200") latencies.push(performance.now() - sent);
    idle.push(connection);
    const xCache = headerOf(head, "x-cache");
    if (xCache !== undefined) predictions++;
    if (xCache === "HIT") hits++;
    const isRight = demanded === undefined || xCache === demanded;
    const isBare = status === "503" && headerOf(head, "retry-after") === undefined;
    const wrongStatus = isBare ? "503 without Retry-After" : status;
    const fault = status !== "200" ? wrongStatus : isRight ? "" : String(xCache);
    if (fault !== "") faults[fault] = (faults[fault] ?? 0) + 1;
    // If the server is gone, connections fail immediately. Without a pause, the client would spin.
    if (status === "lost") await sleep(50);
  }
  const sendNext = () => {
    const { known, next } = source;
    const request = Math.random() < load.known ? known[requests % known.length] : undefined;
    return send(request ?? next(), cache);
  };
  async function sendInTurn(): Promise<void> {
    while (isDue()) {
      if (load.healthFirst) await send(requestHead("/health"), undefined);
      await sendNext();
      if (load.pauseMs > 0) await sleep(load.pauseMs);
    }
  }
  async function sendAtRandom(rate: number): Promise<unknown> {
    const sent: Promise<void>[] = [];
    // The moments are a Poisson process. Timers would bundle the requests of each millisecond.
    for (let next = start; isDue(); await nextTurn()) {
      for (; next <= performance.now(); next += (-Math.log(1 - Math.random()) / rate) * 1000) {
        sent.push(sendNext());
      }
    }
    return Promise.all(sent);
  }

  await (perSecond === undefined
    ? Promise.all(Array.from({ length: load.clients }, sendInTurn))
    : sendAtRandom(perSecond));
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of idle) connection.close();
  return {
    requestsPerSecond: requests / elapsed,
    requests,
    ...{ p50: quantile(latencies, 0.5), p95: quantile(latencies, 0.95) },
    ...{ p99: quantile(latencies, 0.99), worst: quantile(latencies, 1) },
    hitShare: hits / Math.max(1, predictions),
    faults,
    clientCores: (user + system) / 1e6 / elapsed,
  };
}
