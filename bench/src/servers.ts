import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { firstAnswer } from "./first-answer.ts";

const serviceMain = new URL("../../service/src/main.ts", import.meta.url).pathname;

/** A server of the benchmark, on a free port of the loopback interface. */
export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts servers that stop, the last first, where their block ends: `await using`. */
export class Servers implements AsyncDisposable {
  readonly #started = new AsyncDisposableStack();

  async add<S extends Server>(starting: Promise<S>): Promise<S> {
    return this.#started.adopt(await starting, (server) => server.stop());
  }

  defer(cleanUp: () => void | Promise<void>): void {
    this.#started.defer(async () => cleanUp());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#started.disposeAsync();
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** Waits for the line of output that says that the process is ready. */
export async function ready(child: ChildProcess, pattern: RegExp): Promise<void> {
  if (child.stdout === null) throw new Error("the process has no output");
  const lines = createInterface(child.stdout);
  const exit = once(child, "exit").then(([code]) => {
    throw new Error(`${child.spawnargs.join(" ")} ended with ${code} before it was ready`);
  });
  const line = (async () => {
    for await (const text of lines) if (pattern.test(text)) return;
  })();
  await Promise.race([line, exit]);
  exit.catch(() => {});
  child.stdout.resume();
}

/** What is still to be done for each process that runs. */
const endings = new Set<() => void>();
process.on("exit", () => {
  for (const end of endings) end();
});

/** Ends a process at once, and waits until it is gone; at the latest, it ends with this one. */
export function stopper(child: ChildProcess, cleanUp = () => {}): () => Promise<void> {
  function end(): void {
    child.kill("SIGKILL");
    cleanUp();
  }
  endings.add(end);
  return async () => {
    endings.delete(end);
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
    cleanUp();
  };
}

/**
 * The service by its production command. Its log goes into a pipe, as to a container's runtime, that
 * another process empties.
 */
export async function startService(environment: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const piped = 'exec "$@" > >(exec cat > /dev/null)';
  const child = spawn("bash", ["-c", piped, "bash", process.execPath, serviceMain], {
    env: { ...environment, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const server = { port, process: child, stop: stopper(child) };
  await firstAnswer(server, "GET /health");
  return server;
}

/** Where a server finds a Redis. Each database of the sixteen is a cache of its own. */
export const redisUrl = ({ port }: Server, database = 0): string =>
  `redis://127.0.0.1:${port}/${database}`;

/** A Redis that keeps nothing on disk. */
export async function startRedis(settings: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "bench-redis-"));
  const options = ["--port", String(port), "--dir", folder, "--save", "", ...settings];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
  await ready(child, /Ready to accept connections/);
  return { port, process: child, stop: stopper(child, () => rmSync(folder, { recursive: true })) };
}
