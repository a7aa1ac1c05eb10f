import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type App, type AppDependencies, createApp } from "../src/app.ts";
import { ReadThrough } from "../src/cache/read-through.ts";
import { createExplainRunner } from "../src/explain/explain-runner.ts";
import { batched } from "../src/model/batcher.ts";
import type { Engine } from "../src/model/engine.ts";
import type { LoadedModel } from "../src/model/loaded-model.ts";
import { ModelRepository } from "../src/model/model-repository.ts";
import { TrainingRange } from "../src/model/training-range.ts";
import { createBodyReader } from "../src/records/body-reader.ts";
import type { Limits } from "../src/routes/limits.ts";
import { createAppServer } from "../src/server.ts";
import type { DriftWindow } from "../src/telemetry/drift.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { reportProcess } from "../src/telemetry/process-report.ts";
import type { Signature } from "../src/tensors/signature.ts";
import { createTensorReader } from "../src/tensors/tensor-reader.ts";
import { houseCard, houseTrees, modelPath } from "./house-model.ts";

/** A logger that writes nothing. */
export const silentLogger = pino({ level: "silent" });

/** The properties of an engine with eight features that predicts one number. */
export const houseEngine = {
  name: "test",
  columns: 8,
  outputs: 1,
  isList: false,
  isCheap: false,
} as const;

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

/** The tensors of the committed model. */
const signature: Signature = {
  kind: "table",
  inputs: [{ name: "houses", datatype: "FP32", shape: [-1, 8] }],
  output: { name: "MedHouseVal", datatype: "FP32", shape: [-1, 1] },
};

/** Returns the committed model's card with another engine. */
export function modelUnderTest(
  engine: Engine = firstFeatureEngine(),
  maxRecords = defaultLimits.maxHouses,
): LoadedModel {
  const { features, version, covers } = houseCard;
  const task = { path: modelPath, version, options: houseTrees, features, outputs: 1, covers };
  const explainer = batched(createExplainRunner(task, engine));
  return {
    card: houseCard,
    version: "0".repeat(64),
    cacheVersions: { numbers: "0".repeat(64), bodies: "0".repeat(64) },
    engine,
    explainer,
    range: new TrainingRange(features),
    example: new Float32Array(8),
    signature,
    reader: createBodyReader(houseCard, maxRecords),
    tensorReader: createTensorReader({ features, signature }, maxRecords),
    release: async () => {},
  };
}

/** A repository with one model that has no files. */
function repositoryOf(model: LoadedModel) {
  const path = "housing.onnx";
  const models = new ModelRepository({ path, load: async () => model, logger: silentLogger });
  return { models, defaultModel: models.serve("housing", path, model) };
}

export const defaultLimits: Limits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxRecordBytes: 1024 * 1024,
  maxBytesInFlight: 64 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxHouses: 100_000,
  maxExplained: 1_000,
  maxConcurrentRequests: 1_000,
  maxWaitMs: 100,
  requestTimeoutMs: 30_000,
};

interface Overrides extends Partial<Omit<AppDependencies, "limits">> {
  readonly engine?: Engine;
  readonly model?: LoadedModel;
  readonly drift?: DriftWindow;
  readonly limits?: Partial<Limits>;
}

export function appUnderTest(
  { engine, model, drift, ...overrides }: Overrides = {},
  app?: App,
): App {
  const limits = { ...defaultLimits, ...overrides.limits };
  const { metrics = new Metrics() } = overrides;
  const cache = new ReadThrough({
    memory: undefined,
    storeFor: () => undefined,
    logger: silentLogger,
  });
  const deps = {
    ...repositoryOf(model ?? modelUnderTest(engine, limits.maxHouses)),
    modelControl: "none" as const,
    cache,
    cacheStatus: () => ({ memory: undefined, redis: undefined }),
    metrics,
    driftOf: () => drift,
    collectReports: async () => [reportProcess(metrics, drift)],
    logger: silentLogger,
    accessLog: () => {},
    isDraining: () => false,
  };
  return createApp({ ...deps, ...overrides, limits }, app);
}

/** Serves the app on a free port until the test ends, or until `onEnd` says so. */
export async function serve(
  app: App,
  timeoutMs = 30_000,
  maxConnections = 1_000,
  metrics = new Metrics(),
  onEnd: (end: () => void) => void = onTestFinished,
): Promise<number> {
  const maxHeaderBytes = 64 * 1024;
  const { server } = createAppServer(app, { timeoutMs, maxHeaderBytes, maxConnections, metrics });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  onEnd(() => {
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
