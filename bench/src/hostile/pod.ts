import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { firstAnswer } from "../first-answer.ts";
import { type Server, stopper } from "../servers.ts";

const memoryMiB = 512;
const checkout = join(import.meta.dirname, "../../..");
const hierarchies = [
  { folder: "/sys/fs/cgroup", limit: "memory.max", controllers: "cgroup.subtree_control" },
  { folder: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
];

/** A memory cgroup as a pod has one: 512 MiB. */
export interface MemoryLimit {
  /** Takes the number of a process that the limit is for. */
  readonly processes: string;
}

/** Waits for up to a second until the processes in it, which were killed, are gone. */
function removeGroup(group: string): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      rmdirSync(group);
      return;
    } catch {
      Atomics.wait(clock, 0, 0, 50);
    }
  }
}

/** It is removed when this process exits. Undefined where it cannot be created. */
export function createMemoryLimit(): MemoryLimit | undefined {
  for (const { folder, limit, controllers } of hierarchies) {
    const group = join(folder, `prediction-service-bench-${process.pid}`);
    try {
      if (controllers) writeFileSync(join(folder, controllers), "+memory");
      mkdirSync(group);
      if (existsSync(join(group, limit))) {
        writeFileSync(join(group, limit), String(memoryMiB * 1024 * 1024));
        process.on("exit", () => removeGroup(group));
        return { processes: join(group, "cgroup.procs") };
      }
      rmdirSync(group);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
  return undefined;
}

/** The options of Node.js in the container image. */
function imageNodeOptions(): string {
  const dockerfile = readFileSync(join(checkout, "service/Dockerfile"), "utf8");
  const found = [...dockerfile.matchAll(/NODE_OPTIONS=(?:"([^"]*)"|(\S+))/g)].at(-1);
  return found?.[1] ?? found?.[2] ?? "";
}

/** The service as a pod runs it. */
export interface Pod extends Server {
  /** How often the log said `cache degraded`. */
  readonly degraded: () => number;
  /** What it wrote to its standard error. */
  readonly errors: () => string;
}

/** How it is started. */
export interface PodOptions {
  readonly port: number;
  readonly core: number;
  readonly limit: MemoryLimit | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the service on one core, within a memory limit, and as the container image does. */
export async function startPod({ port, core, limit, environment }: PodOptions): Promise<Pod> {
  const script = [
    // Another process reads the log, which is long.
    "exec > >(exec grep --line-buffered 'cache degraded')",
    limit && 'echo $$ > "$LIMITED"',
    'exec taskset --cpu-list "$CORE" "$@"',
  ];
  const child = spawn(
    "bash",
    [
      ...["-c", script.filter(Boolean).join("; "), "bash", process.execPath],
      join(checkout, "service/src/main.ts"),
    ],
    {
      env: {
        ...environment,
        PORT: String(port),
        NODE_OPTIONS: imageNodeOptions(),
        CORE: String(core),
        LIMITED: limit?.processes,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let degraded = 0;
  let errors = "";
  createInterface(child.stdout).on("line", () => degraded++);
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors = `${errors}${text}`.slice(0, 10_000);
  });
  const pod = {
    port,
    process: child,
    stop: stopper(child),
    degraded: () => degraded,
    errors: () => errors,
  };
  try {
    await firstAnswer(pod, "GET /health");
  } catch (cause) {
    await pod.stop();
    throw new Error(`the service did not start: ${errors}`, { cause });
  }
  return pod;
}
