import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { checkout } from "./houses.ts";

/** Linux counts processor time in units of 10 ms (`man 5 proc`). */
const tickMs = 10;

/** A server that the benchmark started, on a free port of the loopback interface. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly process: ChildProcess;
}

export type Environment = Readonly<Record<string, string>>;

/** Returns a port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** A file about a process or a thread; empty if that has ended. */
function readProc(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A process and all its descendants, whichever of its threads started them. */
function processTree(pid: string): readonly string[] {
  const files = globSync(`/proc/${pid}/task/*/children`);
  const children = files.flatMap((file) => readProc(file).match(/\d+/g) ?? []);
  return [pid, ...children.flatMap(processTree)];
}

/** Kills a process with its descendants: some servers leave them behind. */
const killTree = ({ pid }: ChildProcess) =>
  void spawnSync("kill", ["-KILL", ...processTree(String(pid))]);

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach(killTree));

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null;

/** Returns a number about a process (`man 5 proc`), such as `VmRSS` in KiB; `NaN` if it has ended. */
export function statusOf({ process }: Server, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(
    readProc(`/proc/${process.pid}/status`),
  );
  return Number(found?.[1]);
}

/** Returns a function that kills a process and waits for its end. On exit, it is killed as well. */
export function stopper(child: ChildProcess): () => Promise<void> {
  running.add(child);
  return async () => {
    running.delete(child);
    const exit = hasEnded(child) ? undefined : once(child, "exit");
    killTree(child);
    await exit;
  };
}

const serverOf = (port: number, process: ChildProcess): Server => ({
  ...{ port, process },
  [Symbol.asyncDispose]: stopper(process),
});

/**
 * Waits until a server is healthy.
 *
 * @throws {Error} if the server ends, or does not respond to GET requests with 200 in time
 */
export async function untilHealthy(server: Server, timeoutMs = 30_000, path = "/health") {
  const { port, process } = server;
  const end = performance.now() + timeoutMs;
  while (!hasEnded(process) && performance.now() < end) {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal }).catch(
      () => undefined,
    );
    await response?.bytes();
    if (response?.ok) return;
    await sleep(2);
  }
  throw new Error(`${process.spawnargs.join(" ")} does not respond`);
}

/** How to start the service. By default, it has its production settings and no limits. */
export interface ServiceOptions {
  readonly environment?: Environment;
  /** Another checkout of the project. */
  readonly folder?: string | undefined;
  readonly core?: number;
  /** By default, any free port. */
  readonly port?: number | undefined;
  /** The folder of a cgroup that limits its memory. */
  readonly memoryGroup?: string | undefined;
}

/** The service, and a function that counts its log lines `cache degraded`. */
export interface Service extends Server {
  readonly degraded: () => number;
}

/** Starts the service. Its log goes into a pipe that another process reads, as in a container. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const { environment, folder = checkout, core, port = await freePort(), memoryGroup } = options;
  const script = [
    // The reader runs in the background, so it is not a child of the service: CPU time of children
    // is counted.
    "exec > >(grep --line-buffered 'cache degraded' <&0 &)",
    memoryGroup && 'echo $$ > "$MEMORY_GROUP/cgroup.procs"',
    `exec ${core === undefined ? "" : `taskset --cpu-list ${core}`} "$@"`,
  ];
  const command = [process.execPath, join(folder, "service/src/main.ts")];
  const child = spawn("bash", ["-c", script.filter(Boolean).join("\n"), "bash", ...command], {
    env: { ...environment, PORT: `${port}`, MEMORY_GROUP: memoryGroup },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let degraded = 0;
  createInterface(child.stdout).on("line", () => degraded++);
  const service = { ...serverOf(port, child), degraded: () => degraded };
  await untilHealthy(service);
  return service;
}

/** Starts another server, which may install itself first. It gets its port as the variable PORT. */
export async function startServer(
  command: readonly string[],
  environment: Environment,
  healthPath?: string,
): Promise<Server> {
  const port = await freePort();
  const variables = Object.entries({ ...environment, PORT: port }).map((pair) => pair.join("="));
  const child = spawn("env", [...variables, ...command], { stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  const server = serverOf(port, child);
  await untilHealthy(server, 900_000, healthPath).catch(async (error) => {
    await server[Symbol.asyncDispose]();
    throw new Error(`${command.at(-1)} does not start: ${lines.at(-1)}`, { cause: error });
  });
  return server;
}

/** Starts a Redis that stores nothing on disk. */
export async function startRedis(...settings: readonly string[]): Promise<Server> {
  const port = await freePort();
  const options = ["--port", String(port), "--save", "", ...settings];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "inherit"] });
  const server = serverOf(port, child);
  for await (const line of createInterface(child.stdout)) {
    if (line.includes("Ready to accept connections")) return server;
  }
  throw new Error("redis-server did not start");
}

/** Returns the URL of a database. Each database is a separate cache. */
export const redisUrl = ({ port }: Server, database = 0): string =>
  `redis://127.0.0.1:${port}/${database}`;

/** Returns the CPU time in milliseconds that a server and its descendants have used. */
export function cpuMs({ process }: Server): number {
  const ticks = processTree(String(process.pid)).flatMap((pid) => {
    const stat = readProc(`/proc/${pid}/stat`);
    // Its own, and that of children that have ended.
    return stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 15);
  });
  return ticks.reduce((sum, count) => sum + Number(count), 0) * tickMs;
}

/**
 * Keeps all threads of a process on one core.
 *
 * @throws {Error} if there is no such core
 */
export function pin(pid: number | undefined, core: number): void {
  if (core >= availableParallelism()) throw new Error(`this machine needs ${core + 1} cores`);
  const options = ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)];
  execFileSync("taskset", options, { stdio: ["ignore", "ignore", "inherit"] });
}
