import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { attackWith } from "../hostile-bodies.ts";
import { bodyHeader, newBodies } from "../request-bodies.ts";
import { quantile } from "../turns.ts";
import { Connection, headerOf, type Outcome, requestHead, type Upload } from "./connection.ts";

/** What clients send, and for how long. By default, they send until they are stopped. */
export const Load = z.object({
  origin: z.string(),
  path: z.string(),
  /** The name of the hostile body that is sent instead of houses. */
  hostile: z.string().optional(),
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
  seconds: z.number().default(Number.MAX_VALUE),
  /** Each client sends at least this many requests, even after the time. */
  rounds: z.number().default(0),
});
export type Load = z.input<typeof Load>;

const latencyNames = ["p50 ms", "p95 ms", "p99 ms", "worst ms"] as const;

/** What the clients measured. */
export const Measurement = z.object({
  /** By column. Latencies are those of responses with 200, and `NaN` if there were none. */
  figures: z.record(
    z.enum([...latencyNames, "requests", "right", "requests/s", "client cores"]),
    z.number().or(z.nan()),
  ),
  /** The number of responses of each wrong kind, such as `lost`, `503` or `BYPASS`. */
  faults: z.record(z.string(), z.number()),
});
export type Measurement = z.infer<typeof Measurement>;

/** The requests of a load. Known ones are those whose responses can be in the cache. */
interface Source {
  readonly known: readonly string[];
  readonly next: () => string | Upload;
}

const sources = new Map<string, Source>();
/** The servers and known requests whose responses are in the cache. */
const filled = new Set<string>();

function createSource({ path, houses, seed, hostile }: z.infer<typeof Load>): Source {
  if (hostile !== undefined) return { known: [], next: attackWith(hostile) };
  const get = requestHead(path);
  if (houses === undefined) return { known: [], next: () => get };
  const bodies = newBodies(path, houses, seed);
  const header = bodyHeader(path);
  const next = () => {
    const body = bodies();
    return requestHead(path, body.length, header) + body;
  };
  // Many, since concurrent requests with the same body share one query to Redis.
  const length = Math.max(8, Math.min(400, Math.floor(64_000 / houses)));
  return { known: Array.from({ length }, next), next };
}

/** Returns the requests of a load, which continue those of the last load of the same kind. */
function sourceOf(load: z.infer<typeof Load>): Source {
  const key = JSON.stringify([load.path, load.houses, load.seed, load.hostile]);
  const source = sources.get(key) ?? createSource(load);
  // Hostile bodies are long, so only one is kept.
  if (load.hostile !== undefined) sources.clear();
  sources.set(key, source);
  return source;
}

/** Sends known requests twice, so that their responses are in the server's cache. */
async function fillCache(origin: string, known: readonly string[]): Promise<void> {
  const key = `${origin} ${known[0]}`;
  if (filled.has(key)) return;
  filled.add(key);
  const connection = new Connection(origin);
  for (const request of [...known, ...known]) await connection.send(request);
  connection.close();
}

/** Returns what is wrong with a response; undefined if nothing is. */
function faultOf({ status, head }: Outcome, cache: string | undefined): string | undefined {
  if (status === "503" && !headerOf(head, "retry-after")) return "503 without Retry-After";
  if (status !== "200") return status;
  const xCache = headerOf(head, "x-cache");
  return cache === undefined || xCache === cache ? undefined : String(xCache);
}

/** Sends a load from this process. `stop` ends it when the requests in flight have responses. */
export async function runLoad(input: Load, stop?: AbortSignal): Promise<Measurement> {
  const load = Load.parse(input);
  const { known, next } = sourceOf(load);
  if (load.known > 0) await fillCache(load.origin, known);

  const latencies: number[] = [];
  const faults: Record<string, number> = {};
  let requests = 0;
  let right = 0;
  const idle: Connection[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const isDue = () => !stop?.aborted && performance.now() - start < load.seconds * 1000;

  async function send(request: string | Upload, cache?: string): Promise<void> {
    let connection = idle.pop();
    if (!connection?.isOpen) connection = new Connection(load.origin);
    requests++;
    const sent = performance.now();
    const outcome = await connection.send(request);
    if (outcome.status === "200") latencies.push(performance.now() - sent);
    idle.push(connection);
    const fault = faultOf(outcome, cache);
    if (fault === undefined) right++;
    else faults[fault] = (faults[fault] ?? 0) + 1;
    // If the server is gone, connections fail immediately. Without a pause, the client would spin.
    if (fault === "lost" || fault === "refused") await sleep(50);
  }
  function sendNext(): Promise<void> {
    const isKnown = Math.random() < load.known;
    const request = isKnown ? known[requests % known.length] : undefined;
    return send(request ?? next(), load.cache);
  }
  async function sendInTurn(): Promise<void> {
    for (let round = 0; round < load.rounds || isDue(); round++) {
      if (load.healthFirst) await send(requestHead("/health"));
      await sendNext();
      if (load.pauseMs > 0) await sleep(load.pauseMs);
    }
  }
  async function sendAtRandom(rate: number): Promise<unknown> {
    const sent: Promise<void>[] = [];
    // The moments are a Poisson process. Timers would bundle the requests of each millisecond.
    for (let due = start; isDue(); await nextTurn()) {
      for (; due <= performance.now(); due += (-Math.log(1 - Math.random()) / rate) * 1000) {
        sent.push(sendNext());
      }
    }
    return Promise.all(sent);
  }

  await (load.perSecond === undefined
    ? Promise.all(Array.from({ length: load.clients }, sendInTurn))
    : sendAtRandom(load.perSecond));
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of idle) connection.close();
  const figures = {
    requests,
    right,
    "requests/s": requests / elapsed,
    "p50 ms": quantile(latencies, 0.5),
    "p95 ms": quantile(latencies, 0.95),
    "p99 ms": quantile(latencies, 0.99),
    "worst ms": quantile(latencies, 1),
    "client cores": (user + system) / 1e6 / elapsed,
  };
  return { figures, faults };
}
