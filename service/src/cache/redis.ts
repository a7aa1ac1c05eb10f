import { once } from "node:events";
import type { Logger } from "pino";
import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  createClient,
  DisconnectsClientError,
  ErrorReply,
  SocketClosedUnexpectedlyError,
} from "redis";
import type { Histogram, Metrics } from "../telemetry/metrics.ts";
import { redisCommands, traceWork } from "../telemetry/tracing.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { CircuitBreaker, type CircuitState } from "./circuit-breaker.ts";
import { openEntry, sealEntry } from "./entry.ts";
import {
  CacheError,
  type CacheErrorReason,
  cacheErrorReasons,
  type PredictionCache,
} from "./prediction-cache.ts";
import { jitteredTtlMs } from "./time-to-live.ts";

/** Settings of {@link RedisCache}. */
export interface RedisCacheOptions {
  /** A `redis://`, `rediss://` or `unix://` URL, with user, password and database. */
  readonly url: string;
  /** How long a command may take, including its reply. */
  readonly timeoutMs: number;
  readonly ttlSeconds: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const operations = ["get", "set"] as const;
type Operation = (typeof operations)[number];

/** The state of the connection to Redis and of the two circuit breakers. */
export interface RedisStatus {
  readonly isConnected: boolean;
  readonly circuits: Readonly<Record<Operation, CircuitState>>;
}

const circuit = { failureThreshold: 5, minOpenMs: 100, maxOpenMs: 10_000 };
const pingIntervalMs = 1_000;
/** How long Redis may take to reply to a ping, or to the handshake of a new connection. */
const silenceMs = 2_000;

/** Doubles from 50 ms to 2 s, with jitter, so that pods do not all reconnect at the same time. */
function reconnectDelayMs(retries: number): number {
  return Math.min(2_000, 50 * 2 ** retries) * (0.75 + 0.5 * Math.random());
}

function newClient(url: string) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    // Turned off: this timeout ends when a command is written, not when its reply arrives.
    commandOptions: { timeout: 0 },
    socket: {
      // Long, since this timer also runs while the event loop is blocked. For the same reason
      // `socketTimeout` is off: `withTimeout` limits the handshake and the pings instead.
      connectTimeout: 5_000,
      reconnectStrategy: reconnectDelayMs,
    },
  });
}

type Client = ReturnType<typeof newClient>;

/** Sends a command and waits for the reply. */
function command<T>(
  timeoutMs: number,
  client: Client,
  send: (client: Client) => Promise<T>,
): Promise<T> {
  return withTimeout(timeoutMs, send(client));
}

const commands = {
  get: traceWork(redisCommands.get, command),
  set: traceWork(redisCommands.set, command),
};

/** The errors of node-redis if there is no connection, or if it is lost. */
const connectionErrors = [
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  SocketClosedUnexpectedlyError,
];

/**
 * Error codes for misuse of the Node.js API. All other codes are socket errors, such as ECONNRESET.
 */
const misuseCode = /^ERR_(?!SSL_|TLS_)/;

function isConnectionError(error: unknown): boolean {
  if (connectionErrors.some((type) => error instanceof type)) return true;
  return error instanceof Error && "code" in error && !misuseCode.test(String(error.code));
}

/** Why Redis failed; `undefined` if the error is a bug in this program. */
function reasonOf(error: unknown): CacheErrorReason | undefined {
  if (error instanceof TimeoutError) return "timeout";
  if (error instanceof ErrorReply) {
    return error.message.startsWith("WRONGTYPE") ? "wrong_type" : "refused";
  }
  return isConnectionError(error) ? "offline" : undefined;
}

/** Whether a new connection may help: no replies arrive, or the primary has become a replica. */
function canReconnectFix(error: unknown): boolean {
  if (error instanceof TimeoutError) return true;
  return error instanceof ErrorReply && error.message.startsWith("READONLY");
}

/**
 * Response bodies in Redis, which speeds up the service but is never required. A command takes at
 * most `timeoutMs`, and after repeated failures only an occasional probe is sent. Reads and writes
 * have separate circuit breakers, since a full Redis still serves reads.
 *
 * All timeouts use `withTimeout`, so a blocked event loop does not count as a failure of Redis.
 */
export class RedisCache implements PredictionCache {
  readonly tier = "redis";
  /** Called whenever a connection is ready for commands. */
  onReady: (() => void) | undefined;
  readonly #options: RedisCacheOptions;
  readonly #circuits = { get: new CircuitBreaker(circuit), set: new CircuitBreaker(circuit) };
  readonly #durations: Readonly<Record<Operation, Histogram>>;
  readonly #pingTimer: NodeJS.Timeout;
  #connectTimer: NodeJS.Timeout | undefined;
  #client: Client;
  #state: "starting" | "connected" | "degraded" = "starting";

  /** Connects in the background, and reconnects until closed. */
  constructor(options: RedisCacheOptions) {
    const { metrics } = options;
    this.#options = options;
    const durations = (command: Operation) =>
      metrics.histogram("prediction_redis_command_duration_seconds", { command });
    this.#durations = { get: durations("get"), set: durations("set") };
    this.#client = this.#connect();
    this.#observeState();
    this.#pingTimer = setInterval(() => this.#ping(), pingIntervalMs).unref();
  }

  get status(): RedisStatus {
    const { get, set } = this.#circuits;
    return { isConnected: this.#client.isReady, circuits: { get: get.state, set: set.state } };
  }

  async get(key: string): Promise<string | undefined> {
    try {
      const entry = await this.#command("get", (client) => client.get(key));
      const body = entry === null ? undefined : openEntry(key, entry);
      if (entry !== null && body === undefined) this.#countError("get", "corrupt");
      return body;
    } catch (error) {
      // A miss: the next `set` overwrites the value of the wrong type.
      if (error instanceof CacheError && error.reason === "wrong_type") return undefined;
      throw error;
    }
  }

  async set(key: string, body: string): Promise<void> {
    const expiration = { type: "PX", value: jitteredTtlMs(this.#options.ttlSeconds) } as const;
    await this.#command("set", (client) => client.set(key, sealEntry(key, body), { expiration }));
  }

  canStore(): boolean {
    return this.#client.isReady && this.#circuits.set.isHealthy;
  }

  /** Closes the connection when the commands in flight have their replies, or after `timeoutMs`. */
  async close(): Promise<void> {
    clearInterval(this.#pingTimer);
    clearTimeout(this.#connectTimer);
    const client = this.#client;
    try {
      await withTimeout(this.#options.timeoutMs, client.close());
    } catch {
      client.destroy();
    }
  }

  #connect(): Client {
    const client = newClient(this.#options.url);
    client.on("connect", () => this.#expectReply(client, once(client, "ready")));
    client.on("ready", () => {
      this.#report();
      this.onReady?.();
    });
    client.on("error", (error: unknown) => {
      // Neither a lost connection nor an error reply: node-redis could not parse what Redis sent,
      // so it would assign later replies to the wrong commands.
      if (reasonOf(error) === undefined) this.#replace(client, silenceMs);
      this.#report(error);
    });
    client.connect().catch(() => {
      // Each failed attempt also emits an error event.
    });
    return client;
  }

  async #command<T>(operation: Operation, send: (client: Client) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    const breaker = this.#circuits[operation];
    const client = this.#client;
    if (!client.isReady) throw this.#failure(operation, "offline");
    const passage = breaker.tryPass();
    if (!passage) throw this.#failure(operation, "open_circuit");
    const start = performance.now();
    try {
      const reply = await commands[operation](timeoutMs, client, send);
      this.#durations[operation].observe((performance.now() - start) / 1000);
      breaker.succeed(passage);
      this.#report();
      return reply;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === "wrong_type") breaker.succeed(passage);
      else breaker.fail(passage);
      if (passage === "probe" && client.isReady && canReconnectFix(error)) {
        this.#replace(client);
      }
      this.#report(error);
      throw reason === undefined ? error : this.#failure(operation, reason, error);
    }
  }

  #failure(operation: Operation, reason: CacheErrorReason, cause?: unknown): CacheError {
    this.#countError(operation, reason);
    return new CacheError(reason, { cause });
  }

  #countError(command: Operation, reason: CacheErrorReason): void {
    this.#options.metrics.counter("prediction_redis_errors_total", { command, reason }).value++;
  }

  #observeState(): void {
    const { metrics } = this.#options;
    metrics.observe("prediction_redis_connected", {}, () => Number(this.#client.isReady));
    for (const command of operations) {
      const breaker = this.#circuits[command];
      const isOpen = () => Number(!breaker.isClosed);
      metrics.observe("prediction_redis_circuit_open", { command }, isOpen);
      // Reported from the start, as 0.
      for (const reason of cacheErrorReasons) {
        metrics.counter("prediction_redis_errors_total", { command, reason });
      }
    }
  }

  #ping(): void {
    const client = this.#client;
    if (client.isReady) this.#expectReply(client, client.ping());
  }

  /** Replaces a connection that gets no reply, before a request has to wait for it. */
  async #expectReply(client: Client, reply: Promise<unknown>): Promise<void> {
    try {
      await withTimeout(silenceMs, reply);
    } catch (error) {
      // Any other error is a reply, or a lost connection that was already reported.
      if (!(error instanceof TimeoutError)) return;
      this.#replace(client);
      this.#report(error);
    }
  }

  /** Closes a connection that node-redis would keep, and opens a new one after `delayMs`. */
  #replace(client: Client, delayMs = 0): void {
    if (client !== this.#client || !client.isOpen) return;
    client.removeAllListeners();
    client.on("error", () => {
      // Nothing is waiting for the old connection.
    });
    client.destroy();
    this.#connectTimer = setTimeout(() => {
      this.#client = this.#connect();
    }, delayMs);
  }

  /** Logs one line per change of state, not one per request. */
  #report(error?: unknown): void {
    const { get, set } = this.#circuits;
    const isUsable = this.#client.isReady && get.isClosed && set.isClosed;
    const state = isUsable ? "connected" : error === undefined ? this.#state : "degraded";
    if (state === this.#state) return;
    const event = state === "connected" && this.#state === "degraded" ? "recovered" : state;
    this.#state = state;
    if (state === "degraded") this.#options.logger.warn({ err: error }, `cache ${event}`);
    else this.#options.logger.info(`cache ${event}`);
  }
}
