import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";
import { checkout } from "./houses.ts";

/** A server that the benchmark started on a free port of the loopback interface. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly process: ChildProcess;
  /** What it has printed. Of the log of the service, only the lines `cache degraded`. */
  readonly lines: readonly string[];
}

export type Environment = Readonly<Record<string, string>>;

/** Returns the text of a file in `/proc`; empty if the process has ended. */
function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Returns a process and all its descendants, whichever of its threads started them. */
function processTree(pid: string): readonly string[] {
  const files = globSync(`${pid}/task/*/children`, { cwd: "/proc" });
  const children = files.flatMap((file) => readProc(file).match(/\d+/g) ?? []);
  return [pid, ...children.flatMap(processTree)];
}

/** Returns the CPU time in milliseconds that a server and its descendants have used. */
export function cpuMs({ process }: Server): number {
  const ticks = processTree(`${process.pid}`).flatMap((pid) => {
    const fields = readProc(`${pid}/stat`).replace(/.*\) /s, "").split(" ");
    // Its own time, and that of children that have ended.
    return fields.slice(11, 15);
  });
  // Linux counts in units of 10 ms (`man 5 proc`).
  return ticks.reduce((sum, count) => sum + Number(count) * 10, 0);
}

/** Returns a number of `/proc/PID/status`, such as `VmRSS` in KiB; `NaN` if it has ended. */
export function statusOf({ process }: Server, name: string): number {
  const status = readProc(`${process.pid}/status`);
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
}

/** Keeps all threads of a process on one core. */
export function pin(pid: number | undefined, core: number): void {
  const options = ["--all-tasks", "--cpu-list", "--pid", `${core}`, `${pid}`];
  execFileSync("taskset", options, { stdio: ["ignore", "ignore", "inherit"] });
}

const running = new Set<ChildProcess>();
// Some servers do not stop their descendants.
const kill = ({ pid }: ChildProcess) => void spawnSync("kill", ["-KILL", ...processTree(`${pid}`)]);
process.on("exit", () => running.forEach(kill));

/** Returns a function that kills a process and waits for its end. On exit, it is killed as well. */
export function stopper(child: ChildProcess): () => Promise<void> {
  const exit = once(child, "exit");
  running.add(child);
  return async () => {
    running.delete(child);
    kill(child);
    await exit;
  };
}

/** Waits until a condition is true, and returns the seconds. @throws {Error} after the timeout */
export async function until(isTrue: () => Promise<boolean>, timeoutMs: number, everyMs = 20) {
  const start = performance.now();
  while (performance.now() - start < timeoutMs) {
    if (await isTrue()) return (performance.now() - start) / 1000;
    await sleep(everyMs);
  }
  throw new Error(`nothing changed in ${timeoutMs / 1000} s`);
}

/** Waits until a server responds to GET requests with 200. Returns the seconds. */
export function untilHealthy({ port, process }: Server, timeoutMs: number, path = "/health") {
  const options = { signal: AbortSignal.timeout(timeoutMs) };
  async function isHealthy(): Promise<boolean> {
    const ending = process.signalCode ?? process.exitCode;
    if (ending !== null) throw new Error(`the process ended with ${ending}`);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, options).catch(() => undefined);
    await response?.bytes();
    return response?.ok ?? false;
  }
  return until(isHealthy, timeoutMs, 2);
}

type Wait = (server: Server) => Promise<unknown>;

/** Starts a program that serves on a port. If it does not become ready, its last line says why. */
async function start(port: number, command: readonly string[], untilReady: Wait): Promise<Server> {
  const [file = "", ...options] = command;
  const child = spawn(file, options, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface(output).on("line", (line) => lines.push(line));
  }
  const server = { port, process: child, lines, [Symbol.asyncDispose]: stopper(child) };
  await untilReady(server).catch(async (cause) => {
    await server[Symbol.asyncDispose]();
    throw new Error(`${options.at(-1)} does not start: ${lines.at(-1)}`, { cause });
  });
  return server;
}

/** Keeps the service on core 0, so that clients can have the other one for themselves. */
export const onOwnCore = "taskset --cpu-list --pid 0 $$ >/dev/null";
export const clientCore = 1;

const variables = (environment: Environment, port: number): readonly string[] =>
  Object.entries({ ...environment, PORT: port }).map((pair) => pair.join("="));

/** `folder` is another checkout, and `setUp` are shell commands that the process runs first. */
type Options = Partial<{ environment: Environment; folder: string; setUp: string; port: number }>;

/** Starts the service. Its log goes into a pipe that another process reads, as in a container. */
export async function startService(options: Options = {}): Promise<Server> {
  const { environment = {}, folder = checkout, setUp = "", port = await getPort() } = options;
  // The reader is no child of the service, because the CPU time of children counts.
  const script = `exec > >(grep --line-buffered 'cache degraded' <&0 &)\n${setUp}\nexec "$@"`;
  const service = ["bash", process.execPath, join(folder, "service/src/main.ts")];
  const command = ["env", "-i", ...variables(environment, port), "bash", "-c", script, ...service];
  return await start(port, command, (server) => untilHealthy(server, 30_000));
}

/** Starts another server, which may install itself first. It gets its port as the variable PORT. */
export async function startServer(command: string[], environment: Environment, path?: string) {
  const port = await getPort();
  const all = ["env", ...variables(environment, port), ...command];
  return await start(port, all, (server) => untilHealthy(server, 900_000, path));
}

/** Starts a Redis that stores nothing on disk. By default, it listens on any free port. */
export async function startRedis(settings: readonly string[] = [], usedPort = 0): Promise<Server> {
  const port = usedPort || (await getPort());
  const command = ["redis-server", "--port", `${port}`, "--save", "", ...settings];
  const isReady = async ({ lines }: Server) => lines.some((line) => line.includes("Ready to acc"));
  return await start(port, command, (server) => until(() => isReady(server), 30_000));
}

/** Returns the URL of a database. Each database is a separate cache. */
export const redisUrl = ({ port }: Server, database = 0): string =>
  `redis://127.0.0.1:${port}/${database}`;

/** Returns the variables of the container image that affect memory. */
export function imageVariables(): Environment {
  const dockerfile = readFileSync(join(checkout, "service/Dockerfile"), "utf8");
  const found = dockerfile.matchAll(/\b(NODE_OPTIONS|MALLOC_TRIM_THRESHOLD_)=(\S+)/g);
  return Object.fromEntries(Array.from(found, ([, name = "", value = ""]) => [name, value]));
}
