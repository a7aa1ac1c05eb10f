import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import { onTestFinished } from "vitest";
import { testNeeding } from "../../test/prerequisite.ts";
import { freePort } from "./free-port.ts";

function hasRedisServer(): boolean {
  try {
    execFileSync("redis-server", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

/** A test that needs `redis-server` on the PATH. */
export const redisTest = testNeeding(hasRedisServer());

/** A real Redis on a free port, in a temporary folder, until the test ends. */
export class RedisServer {
  readonly port: number;
  readonly socketPath: string;
  readonly #options: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "redis-"));
  #process: ChildProcess | undefined;

  private constructor(port: number, options: readonly string[]) {
    this.port = port;
    this.#options = options;
    this.socketPath = join(this.#folder, "redis.sock");
    onTestFinished(async () => {
      await this.kill();
      rmSync(this.#folder, { recursive: true });
    });
  }

  /** Creates a server without starting it, so nothing listens on its port. */
  static async absent(...options: string[]): Promise<RedisServer> {
    return new RedisServer(await freePort(), options);
  }

  static async start(...options: string[]): Promise<RedisServer> {
    const server = await RedisServer.absent(...options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /**
   * Resolves when Redis is ready.
   *
   * @throws {Error} with the log of Redis if it ends instead
   */
  async start(): Promise<void> {
    const settings = ["--port", String(this.port), "--dir", this.#folder, "--save", ""];
    const sockets = ["--unixsocket", this.socketPath];
    const child = spawn("redis-server", [...settings, ...sockets, ...this.#options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (!line.includes("Ready to accept connections")) continue;
      child.stdout.resume();
      return;
    }
    throw new Error(`Redis does not start: ${lines.join("\n")}`);
  }

  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#process ?? { exitCode: 0 };
    if (!this.#process || exitCode !== null || signalCode) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Sends one command as an administrator. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, RESP: 2 });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  async keys(): Promise<string[]> {
    return (await this.command("KEYS", "*")) as string[];
  }
}

/** A proxy in front of Redis that can tamper with replies. */
export class RedisProxy {
  /** How long to delay each reply. */
  delayMs = 0;
  /** Whether to reset the connection in the middle of each reply. */
  resets = false;
  /** Whether to replace each reply by bytes that are not valid in Redis's protocol. */
  garbles = false;
  /**
   * Whether to drop commands. A connection that lost one stays silent, as if its host had vanished.
   */
  silent = false;
  /** When connections were accepted, as in `performance.now()`. */
  readonly connectedAtMs: number[] = [];
  #port = 0;
  readonly #sockets = new Set<Socket>();

  static async to(server: RedisServer): Promise<RedisProxy> {
    const proxy = new RedisProxy();
    const listener = createServer((client) =>
      proxy.#join(client, connect(server.port, "127.0.0.1")),
    );
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    proxy.#port = (listener.address() as AddressInfo).port;
    onTestFinished(() => {
      listener.close();
      for (const socket of proxy.#sockets) socket.destroy();
    });
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** The number of accepted connections. */
  get connections(): number {
    return this.connectedAtMs.length;
  }

  #join(client: Socket, redis: Socket): void {
    this.connectedAtMs.push(performance.now());
    for (const socket of [client, redis]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        redis.destroy();
        this.#sockets.delete(socket);
      });
    }
    let unanswered = false;
    client.on("data", (command) => {
      unanswered ||= this.silent;
      if (!unanswered) redis.write(command);
    });
    redis.on("data", async (reply) => {
      if (this.delayMs > 0) await delay(this.delayMs);
      if (this.garbles) client.write("garbage\r\n");
      else if (!this.resets) client.write(reply);
      else client.write(reply.subarray(0, reply.length / 2), () => client.resetAndDestroy());
    });
  }
}
