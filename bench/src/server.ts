import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";
import { checkout } from "./houses.ts";

/** Linux counts processor time in units of 10 ms (`man 5 proc`). */
const tickMs = 10;

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
  return ticks.reduce((sum, count) => sum + Number(count), 0) * tickMs;
}

/** Returns a number about a process (`man 5 proc`), such as `VmRSS` in KiB; `NaN` if it has ended. */
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

/**
 * Waits until a condition is true. Returns the seconds.
 *
 * @throws {Error} if it is not true in time
 */
export async function until(isTrue: () => Promise<boolean>, timeoutMs: number): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < timeoutMs) {
    if (await isTrue()) return (performance.now() - start) / 1000;
    await sleep(2);
  }
  throw new Error(`nothing changed in ${timeoutMs / 1000} s`);
}

/** Waits until a server responds to GET requests with 200. Returns the seconds. */
export const untilHealthy = (server: Server, timeoutMs: number, path = "/health") =>
  until(async () => {
    const { exitCode, signalCode } = server.process;
    const ending = signalCode ?? exitCode;
    if (ending !== null) throw new Error(`the process ended with ${ending}`);
    const url = `http://127.0.0.1:${server.port}${path}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => null);
    await response?.bytes();
    return response?.ok ?? false;
  }, timeoutMs);

/**
 * Starts a program that serves on a port.
 *
 * @throws {Error} if it does not become ready, with the last line that it printed
 */
async function start(
  port: number,
  [file = "", ...options]: readonly string[],
  untilReady: (server: Server) => Promise<unknown>,
): Promise<Server> {
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

/** How to start the service. By default, it has its production settings and no limits. */
interface ServiceOptions {
  readonly environment?: Environment;
  /** Another checkout of the project. */
  readonly folder?: string | undefined;
  /** Shell commands that its process runs first. */
  readonly setUp?: string;
}

/** A command that keeps the process that runs it on one core. */
export const onCore = (core: number): string => `taskset --cpu-list --pid ${core} $$ >/dev/null`;

const variables = (environment: Environment, port: number): readonly string[] =>
  Object.entries({ ...environment, PORT: port }).map((pair) => pair.join("="));

/** Starts the service. Its log goes into a pipe that another process reads, as in a container. */
export async function startService(options: ServiceOptions = {}): Promise<Server> {
  const { environment = {}, folder = checkout, setUp = "" } = options;
  const port = await getPort();
  // The reader runs in the background, so it is no child of the service: CPU time of children counts.
  const script = `exec > >(grep --line-buffered 'cache degraded' <&0 &)\n${setUp}\nexec "$@"`;
  const service = ["bash", process.execPath, join(folder, "service/src/main.ts")];
  const command = ["env", "-i", ...variables(environment, port), "bash", "-c", script, ...service];
  return await start(port, command, (server) => untilHealthy(server, 30_000));
}

/** Starts another server, which may install itself first. It gets its port as the variable PORT. */
export async function startServer(
  command: readonly string[],
  environment: Environment,
  healthPath?: string,
): Promise<Server> {
  const port = await getPort();
  const full = ["env", ...variables(environment, port), ...command];
  return await start(port, full, (server) => untilHealthy(server, 900_000, healthPath));
}

/** Starts a Redis that stores nothing on disk. By default, it listens on any free port. */
export async function startRedis(settings: readonly string[] = [], port = 0): Promise<Server> {
  const used = port || (await getPort());
  const command = ["redis-server", "--port", `${used}`, "--save", "", ...settings];
  const isReady = async ({ lines }: Server) => lines.some((line) => line.includes("Ready to acc"));
  return await start(used, command, (server) => until(() => isReady(server), 30_000));
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
