import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type App, type AppDependencies, createApp } from "../src/app.ts";
import { ReadThrough } from "../src/cache/read-through.ts";
import type { Engine } from "../src/model/engine.ts";
import type { LoadedModel } from "../src/model/loaded-model.ts";
import { createBodyReader } from "../src/records/body-reader.ts";
import type { Limits } from "../src/routes/limits.ts";
import { createAppServer } from "../src/server.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { reportProcess } from "../src/telemetry/process-report.ts";
import { houseCard } from "./house-model.ts";

/** A logger that writes nothing. */
export const silentLogger = pino({ level: "silent" });

/** The properties of an engine with eight features that predicts one number. */
export const houseEngine = { name: "test", columns: 8, outputs: 1, isList: false } as const;

/** Predicts the first feature of each row, and records the batches it receives. */
export function firstFeatureEngine(): Engine & { readonly batches: Float32Array[] } {
  const batches: Float32Array[] = [];
  return {
    ...houseEngine,
    batches,
    async predict(matrix) {
      batches.push(matrix);
      return matrix.filter((_, index) => index % 8 === 0);
    },
  };
}

/** Returns the committed model's card with another engine. */
function modelUnderTest(
  engine: Engine = firstFeatureEngine(),
  maxRecords = defaultLimits.maxHouses,
): LoadedModel {
  const reader = createBodyReader(houseCard, maxRecords);
  return { card: houseCard, version: "0".repeat(64), engine, reader };
}

export const defaultLimits: Limits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxRecordBytes: 1024 * 1024,
  maxBytesInFlight: 64 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxHouses: 100_000,
  maxConcurrentRequests: 1_000,
  maxWaitMs: 100,
  requestTimeoutMs: 30_000,
};

interface Overrides extends Partial<Omit<AppDependencies, "limits">> {
  readonly engine?: Engine;
  readonly limits?: Partial<Limits>;
}

export function appUnderTest({ engine, ...overrides }: Overrides = {}, app?: App): App {
  const limits = { ...defaultLimits, ...overrides.limits };
  const { metrics = new Metrics(), drift } = overrides;
  const cache = new ReadThrough({
    memory: undefined,
    storeFor: () => undefined,
    logger: silentLogger,
  });
  const deps = {
    model: modelUnderTest(engine, limits.maxHouses),
    cache,
    cacheStatus: () => ({ memory: undefined, redis: undefined }),
    metrics,
    drift,
    collectReports: async () => [reportProcess(metrics, drift)],
    logger: silentLogger,
    accessLog: () => {},
    isDraining: () => false,
  };
  return createApp({ ...deps, ...overrides, limits }, app);
}

/** Serves the app on a free port until the test ends. */
export async function serve(
  app: App,
  timeoutMs = 30_000,
  maxConnections = 1_000,
  metrics = new Metrics(),
): Promise<number> {
  const maxHeaderBytes = 64 * 1024;
  const { server } = createAppServer(app, { timeoutMs, maxHeaderBytes, maxConnections, metrics });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const jsonType = { "content-type": "application/json" };

export function post(app: App, path: string, body: unknown, headers = {}) {
  const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return app.request(path, {
    method: "POST",
    body: text,
    headers: { "content-length": String(Buffer.byteLength(text)), ...jsonType, ...headers },
  });
}
