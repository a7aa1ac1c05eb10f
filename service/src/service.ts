import { once } from "node:events";
import type { Server } from "node:http";
import type { Logger } from "pino";
import { TokenFile } from "./access/token-file.ts";
import { createApp } from "./app.ts";
import { createCache } from "./cache/create-cache.ts";
import { unrecorded } from "./cache/recorder.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { drain } from "./drain.ts";
import { loadModel } from "./model/loaded-model.ts";
import { ModelError } from "./model/model-error.ts";
import type { Access } from "./routes/authorize.ts";
import { createAppServer } from "./server.ts";
import { createAccessLog } from "./telemetry/access-log.ts";
import { createLog } from "./telemetry/logger.ts";

/** Drains the service and exits the process. A second call exits immediately. */
type Stop = (signal: NodeJS.Signals) => Promise<void>;

async function listen(server: Server, { HOST, PORT }: Config): Promise<void> {
  server.listen(PORT, HOST);
  try {
    await once(server, "listening");
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

async function start(): Promise<Stop> {
  const config = readConfig();
  const { logger, lines } = await createLog(config.LOG_LEVEL);
  const access = await openAccess(config, logger);
  const model = await loadModel(config.MODEL_PATH, config.MAX_HOUSES);
  const cache = await createCache({
    redisUrl: config.REDIS_URL,
    redisTimeoutMs: config.CACHE_TIMEOUT_MS,
    ttlSeconds: config.CACHE_TTL_SECONDS,
    memoryBytes: config.CACHE_MEMORY_BYTES,
    recorder: unrecorded,
    logger,
  });

  let draining = false;
  const app = createApp({
    model,
    cache: cache.readThrough,
    access,
    logger,
    accessLog: createAccessLog(logger, lines),
    isDraining: () => draining,
    limits: {
      maxBodyBytes: config.MAX_BODY_BYTES,
      maxRecordBytes: config.MAX_RECORD_BYTES,
      maxBytesInFlight: config.MAX_BYTES_IN_FLIGHT,
      maxHeaderBytes: config.MAX_HEADER_BYTES,
      maxHouses: config.MAX_HOUSES,
      maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
      requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    },
  });

  const appServer = createAppServer(app, {
    timeoutMs: config.REQUEST_TIMEOUT_MS,
    maxHeaderBytes: config.MAX_HEADER_BYTES,
    maxConnections: config.MAX_CONNECTIONS,
  });
  const { server } = appServer;
  await listen(server, config);
  logger.info(
    { address: server.address(), model: model.card.name, modelVersion: model.version },
    "listening",
  );

  return async function stop(signal) {
    if (draining) process.exit(1);
    draining = true;
    logger.info({ signal }, "stopping");
    await drain(appServer, {
      logger,
      drainSeconds: config.DRAIN_SECONDS,
      timeoutMs: config.REQUEST_TIMEOUT_MS,
    });
    await cache.close();
    process.exit(0);
  };
}

/**
 * Starts the service. If the settings or the model are invalid, prints why and exits with status 1.
 */
export async function startService(): Promise<Stop> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ModelError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
