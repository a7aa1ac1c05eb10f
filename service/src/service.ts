import type { Server as HttpServer } from "node:http";
import type { Server } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import type { Logger } from "pino";
import { TokenFile } from "./access/token-file.ts";
import { createApp } from "./app.ts";
import { createCache } from "./cache/create-cache.ts";
import { type Config, ConfigError } from "./config.ts";
import { drain } from "./drain.ts";
import { listen } from "./listen.ts";
import { ModelLoader } from "./model/model-loader.ts";
import { ModelRepository } from "./model/model-repository.ts";
import type { Access } from "./routes/authorize.ts";
import { createAppServer } from "./server.ts";
import type { ConnectReports, Stop } from "./start.ts";
import { createAccessLog } from "./telemetry/access-log.ts";
import { DefaultDrift } from "./telemetry/default-drift.ts";
import { observeEventLoop } from "./telemetry/event-loop-metrics.ts";
import { createLog } from "./telemetry/logger.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { observeProcess } from "./telemetry/process-metrics.ts";
import { reportProcess } from "./telemetry/process-report.ts";
import { flushSpans } from "./telemetry/tracing.ts";

async function listenAt(server: HttpServer, { HOST, PORT }: Config): Promise<readonly Server[]> {
  try {
    return await listen(server, PORT, HOST);
  } catch (cause) {
    throw new ConfigError(`HOST, PORT: cannot listen on ${HOST}, port ${PORT}: ${cause}`, {
      cause,
    });
  }
}

async function openAccess(config: Config, logger: Logger): Promise<Access | undefined> {
  const { API_TOKENS_FILE, API_TOKENS_FOR = ["api"] } = config;
  if (API_TOKENS_FILE === undefined) return undefined;
  return {
    groups: new Set(API_TOKENS_FOR),
    tokens: await TokenFile.open(API_TOKENS_FILE, logger),
  };
}

/**
 * V8 allocates objects in the old generation where most earlier objects survived, as cached
 * responses do. Some of these objects then belong to requests. When they are dead, they keep all
 * later requests alive until the next full collection, and each young collection takes several
 * times as long. By chance, this happened in about half of the processes, which then needed 1.6
 * times the CPU time for a miss.
 */
const garbageCollection = "--no-allocation-site-pretenuring";

/**
 * Starts the service in this process.
 *
 * @throws {ConfigError} if it cannot listen
 * @throws {ModelError} if the model cannot be served
 */
export async function startService(config: Config, connectReports: ConnectReports): Promise<Stop> {
  setFlagsFromString(garbageCollection);
  const { logger, lines } = await createLog(config.LOG_LEVEL);
  const access = await openAccess(config, logger);
  const metrics = new Metrics();
  observeProcess(metrics);
  observeEventLoop(metrics);
  const loader = new ModelLoader({
    engine: config.INFERENCE_ENGINE,
    maxRecords: config.MAX_HOUSES,
    metrics,
    logger,
  });
  const load = (path: string) => loader.load(path);
  const models = new ModelRepository({ path: config.MODEL_PATH, load, logger });
  const defaultModel = await models.open(config.MODEL_DEFAULT);
  const drift = new DefaultDrift(defaultModel, config.DRIFT_WINDOW_RECORDS);
  const enginesChosen = Promise.withResolvers<void>();
  const cache = await createCache({
    redisUrl: config.REDIS_URL,
    redisTimeoutMs: config.CACHE_TIMEOUT_MS,
    redisPredict: config.CACHE_REDIS_PREDICT,
    engineChosen: enginesChosen.promise,
    predictOne: async () => {
      const version = defaultModel.enter();
      const { engine, example } = version.model;
      await engine.predict(example).finally(() => version.leave());
    },
    ttlSeconds: config.CACHE_TTL_SECONDS,
    memoryBytes: config.CACHE_MEMORY_BYTES,
    metrics,
    logger,
  });

  let draining = false;
  const app = createApp({
    models,
    defaultModel,
    modelControl: config.MODEL_CONTROL,
    cache: cache.readThrough,
    access,
    cacheStatus: cache.status,
    metrics,
    driftOf: (model) => drift.of(model),
    collectReports: connectReports(() => reportProcess(metrics, drift.current())),
    logger,
    accessLog: createAccessLog(logger, lines),
    isDraining: () => draining,
    limits: {
      maxBodyBytes: config.MAX_BODY_BYTES,
      maxRecordBytes: config.MAX_RECORD_BYTES,
      maxBytesInFlight: config.MAX_BYTES_IN_FLIGHT,
      maxHeaderBytes: config.MAX_HEADER_BYTES,
      maxHouses: config.MAX_HOUSES,
      maxExplained: config.MAX_EXPLAINED,
      maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
      maxWaitMs: config.MAX_WAIT_MS,
      requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    },
  });

  const appServer = createAppServer(app, {
    timeoutMs: config.REQUEST_TIMEOUT_MS,
    maxHeaderBytes: config.MAX_HEADER_BYTES,
    maxConnections: config.MAX_CONNECTIONS,
    metrics,
  });
  const { server } = appServer;
  const listeners = await listenAt(server, config);
  const { current } = defaultModel;
  logger.info(
    {
      address: server.address(),
      model: current?.card.name,
      modelVersion: current?.version,
      engine: current?.engine.name,
    },
    "listening",
  );
  enginesChosen.resolve(loader.endStart());

  return async function stop(signal) {
    if (draining) process.exit(1);
    draining = true;
    logger.info({ signal }, "stopping");
    await drain(appServer, {
      listeners,
      logger,
      drainSeconds: config.DRAIN_SECONDS,
      timeoutMs: config.REQUEST_TIMEOUT_MS,
    });
    await cache.close();
    // Lets the spans of the last commands end.
    await nextTurn();
    await flushSpans();
    process.exit(0);
  };
}
