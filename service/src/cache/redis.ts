import type { Logger } from "pino";
import { createClient, ErrorReply } from "redis";
import { TimeoutError, withTimeout } from "../timeout.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { openEntry, sealEntry } from "./entry.ts";
import { CacheError, type CacheErrorReason, type PredictionCache } from "./prediction-cache.ts";
import type { CacheRecorder } from "./recorder.ts";
import { jitteredTtlMs } from "./time-to-live.ts";

/** Settings of {@link RedisCache}. */
export interface RedisCacheOptions {
  /** `redis://`, `rediss://` or `unix://`, with user, password and database. */
  readonly url: string;
  /** So long a command may take, reply included. */
  readonly timeoutMs: number;
  readonly ttlSeconds: number;
  readonly recorder: CacheRecorder;
  readonly logger: Logger;
}

type Operation = "get" | "set";

const circuit = { failureThreshold: 5, minOpenMs: 100, maxOpenMs: 10_000 };

/** Doubles from 50 ms to 2 s, spread so that pods do not return all at once. */
function reconnectDelayMs(retries: number): number {
  return Math.min(2_000, 50 * 2 ** retries) * (0.75 + 0.5 * Math.random());
}

function newClient(url: string) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    // None: it would end when a command is written, not when the reply comes.
    commandOptions: { timeout: 0 },
    // A connection that stays silent is replaced. `connectTimeout` ends once TCP is connected;
    // `socketTimeout` watches over the handshake, and with the pings over an idle connection too.
    pingInterval: 1_000,
    socket: {
      connectTimeout: 1_000,
      socketTimeout: 2_000,
      reconnectStrategy: reconnectDelayMs,
    },
  });
}

type Client = ReturnType<typeof newClient>;

function reasonOf(error: unknown): CacheErrorReason {
  if (error instanceof TimeoutError) return "timeout";
  if (!(error instanceof ErrorReply)) return "offline";
  return error.message.startsWith("WRONGTYPE") ? "wrong_type" : "refused";
}

/** What another connection may mend: a link gone silent, a primary that became a replica. */
function mayReconnectHelp(error: unknown): boolean {
  return error instanceof TimeoutError || /^READONLY/.test(String(Object(error).message));
}

/**
 * Answers in Redis, which is an accelerator and never a dependency: a command takes at most the
 * time limit, and after repeated failures none is sent but a probe now and then. Reads and writes
 * have a circuit each, since a full Redis still serves reads.
 */
export class RedisCache implements PredictionCache {
  readonly tier = "redis";
  readonly #options: RedisCacheOptions;
  readonly #circuits = { get: new CircuitBreaker(circuit), set: new CircuitBreaker(circuit) };
  #client: Client;
  #state: "starting" | "connected" | "degraded" = "starting";

  /** Begins to connect, and goes on until it is closed; nothing waits for it. */
  constructor(options: RedisCacheOptions) {
    this.#options = options;
    this.#client = this.#connect();
  }

  async get(key: string): Promise<string | undefined> {
    try {
      const entry = await this.#send("get", (client) => client.get(key));
      const body = entry === null ? undefined : openEntry(key, entry);
      if (entry !== null && body === undefined) this.#options.recorder.failed("get", "corrupt");
      return body;
    } catch (error) {
      // Whatever has taken the key's place is overwritten by the next answer.
      if (error instanceof CacheError && error.reason === "wrong_type") return undefined;
      throw error;
    }
  }

  async set(key: string, body: string): Promise<void> {
    const expiration = { type: "PX", value: jitteredTtlMs(this.#options.ttlSeconds) } as const;
    await this.#send("set", (client) => client.set(key, sealEntry(key, body), { expiration }));
  }

  /** Ends the connection once the commands under way are answered, or the time limit is over. */
  async close(): Promise<void> {
    const client = this.#client;
    try {
      await withTimeout(this.#options.timeoutMs, client.close());
    } catch {
      client.destroy();
    }
  }

  #connect(): Client {
    const client = newClient(this.#options.url);
    client.on("ready", () => this.#report());
    client.on("error", (error: unknown) => this.#report(error));
    client.connect().catch(() => {
      // The event has told it.
    });
    return client;
  }

  async #send<T>(operation: Operation, command: (client: Client) => Promise<T>): Promise<T> {
    const { recorder, timeoutMs } = this.#options;
    const breaker = this.#circuits[operation];
    const client = this.#client;
    if (!client.isReady) throw this.#failure(operation, "offline");
    const passage = breaker.tryPass();
    if (!passage) throw this.#failure(operation, "open_circuit");
    const start = performance.now();
    try {
      const reply = await withTimeout(timeoutMs, command(client));
      recorder.replied(operation, performance.now() - start);
      breaker.succeed(passage);
      this.#report();
      return reply;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === "wrong_type") breaker.succeed(passage);
      else breaker.fail(passage);
      if (passage === "probe" && mayReconnectHelp(error)) this.#reconnect(client);
      this.#report(error);
      throw this.#failure(operation, reason, error);
    }
  }

  #failure(operation: Operation, reason: CacheErrorReason, cause?: unknown): CacheError {
    this.#options.recorder.failed(operation, reason);
    return new CacheError(reason, { cause });
  }

  #reconnect(client: Client): void {
    // Replaced or closed since, or connecting anew by itself.
    if (!client.isOpen || !client.isReady) return;
    client.removeAllListeners();
    client.on("error", () => {
      // Nobody waits for the old connection any more.
    });
    client.destroy();
    this.#client = this.#connect();
  }

  /** One line a change of state, not one a request. */
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
