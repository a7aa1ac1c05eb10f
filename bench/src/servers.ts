import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const serviceMain = new URL("../../service/src/main.ts", import.meta.url).pathname;

/** A server of the benchmark, on a free port of the loopback interface. */
export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
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

/** Ends a process at once, and waits until it is gone. */
export function stopper(child: ChildProcess, cleanUp = () => {}): () => Promise<void> {
  return async () => {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    cleanUp();
  };
}

/** The service by its production command. */
export async function startService(environment: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const child = spawn(process.execPath, [serviceMain], {
    env: { ...environment, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await ready(child, /"msg":"listening"/);
  return { port, process: child, stop: stopper(child) };
}

/** A Redis that keeps nothing on disk. */
export async function startRedis(): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "bench-redis-"));
  const options = ["--port", String(port), "--dir", folder, "--save", ""];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
  await ready(child, /Ready to accept connections/);
  return { port, process: child, stop: stopper(child, () => rmSync(folder, { recursive: true })) };
}
