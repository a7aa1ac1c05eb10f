import autocannon from "autocannon";
import { quantile } from "./statistics.ts";

/** How a deployed service is driven. */
export interface LoadTest {
  /** Its address, without a path. */
  readonly url: string;
  /** Each asks again as soon as it is answered. */
  readonly clients: number;
  readonly seconds: number;
  /** The share of predictions that ask for a house that was asked for before. */
  readonly cacheRate: number;
  /** Called once a second. */
  readonly tell: (secondsPassed: number, answers: number) => void;
}

/** What came of it; latencies in milliseconds. */
export interface LoadReport {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** The share of predictions that came from the cache. */
  readonly hitShare: number;
  /** Answers other than a 2xx, and requests that were not answered. */
  readonly faults: number;
  /** Cores that this process, the client, kept busy. Near 1, it is itself the limit. */
  readonly clientCores: number;
}

const known = {
  MedInc: 8.3252,
  HouseAge: 41,
  AveRooms: 6.98,
  AveBedrms: 1.02,
  Population: 322,
  AveOccup: 2.55,
  Latitude: 37.88,
  Longitude: -122.23,
};

const between = (low: number, high: number) => low + Math.random() * (high - low);

/** A house that nobody has asked for. */
const unknown = (): typeof known => ({
  MedInc: between(0.5, 15),
  HouseAge: between(1, 52),
  AveRooms: between(1, 10),
  AveBedrms: between(0.5, 2),
  Population: between(3, 5000),
  AveOccup: between(1, 6),
  Latitude: between(32.5, 42),
  Longitude: between(-124, -114),
});

const headers = { "content-type": "application/json" };
const path = "/bulk_predict";
const bodyOf = (house: typeof known) => JSON.stringify({ houses: [house] });

/** Asks `/health` and then `/bulk_predict` for one house, in turns, as fast as it is answered. */
export async function driveLoad(test: LoadTest): Promise<LoadReport> {
  const { url, clients, seconds, cacheRate, tell } = test;
  await fetch(new URL(path, url), { method: "POST", headers, body: bodyOf(known) });

  const latencies: number[] = [];
  let predictions = 0;
  let hits = 0;
  const cpu = process.cpuUsage();
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const options: autocannon.Options = {
      url,
      connections: clients,
      duration: seconds,
      requests: [
        { method: "GET", path: "/health" },
        {
          method: "POST",
          path,
          headers,
          setupRequest: (request) => ({
            ...request,
            body: bodyOf(Math.random() < cacheRate ? known : unknown()),
          }),
          onResponse(_status, _body, _context, answered) {
            predictions++;
            if (answered?.["X-Cache"] === "HIT") hits++;
          },
        },
      ],
    };
    const run = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    let passed = 0;
    run.on("response", (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
    run.on("tick", () => tell(++passed, latencies.length));
  });

  const { user, system } = process.cpuUsage(cpu);
  return {
    requestsPerSecond: latencies.length / result.duration,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
    hitShare: hits / predictions,
    faults: result.non2xx + result.errors + result.timeouts,
    clientCores: (user + system) / 1e6 / result.duration,
  };
}
