import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type App, type AppDependencies, createApp } from "../src/app.ts";
import { ReadThrough } from "../src/cache/read-through.ts";
import { unrecorded } from "../src/cache/recorder.ts";
import type { Predictor } from "../src/predictor/predictor.ts";
import type { Limits } from "../src/routes/limits.ts";
import { createAppServer } from "../src/server.ts";

/** A logger that writes nothing. */
export const silentLogger = pino({ level: "silent" });

/** Predicts the first feature of each row, and keeps the batches that it was given. */
export function firstFeaturePredictor(): Predictor & { readonly batches: Float32Array[] } {
  const batches: Float32Array[] = [];
  return {
    modelVersion: "0".repeat(64),
    batches,
    async predict(matrix) {
      batches.push(matrix);
      return matrix.filter((_, index) => index % 8 === 0);
    },
  };
}

const defaultLimits: Limits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxHouses: 100_000,
  maxConcurrentRequests: 1_000,
  requestTimeoutMs: 30_000,
};

type Overrides = Partial<Omit<AppDependencies, "limits">> & { readonly limits?: Partial<Limits> };

export function appUnderTest(overrides: Overrides = {}): App {
  const predictor = overrides.predictor ?? firstFeaturePredictor();
  const { modelVersion } = predictor;
  return createApp({
    predictor,
    cache: new ReadThrough({
      modelVersion,
      memory: undefined,
      store: undefined,
      recorder: unrecorded,
      logger: silentLogger,
    }),
    logger: silentLogger,
    accessLog: () => {},
    isDraining: () => false,
    ...overrides,
    limits: { ...defaultLimits, ...overrides.limits },
  });
}

/** Serves the app on a free port until the test ends. */
export async function serve(app: App, timeoutMs = 30_000): Promise<number> {
  const { server } = createAppServer(app, { timeoutMs, maxHeaderBytes: 64 * 1024 });
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
