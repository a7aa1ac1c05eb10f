import type { ChildProcess } from "node:child_process";
import cluster, { type Worker } from "node:cluster";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { DestinationStream, Logger } from "pino";
import type { Config } from "../config.ts";
import type { Stop } from "../start.ts";
import { observeEventLoop } from "../telemetry/event-loop-metrics.ts";
import { createLog, type Log } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { observeProcess } from "../telemetry/process-metrics.ts";
import { reportProcess } from "../telemetry/process-report.ts";
import { QuestionChannel } from "./question-channel.ts";
import { ReportCollector } from "./report-collector.ts";
import { Supervisor, type WorkerProcess } from "./supervisor.ts";

/**
 * Copies whole lines. Workers do not share one pipe: the system mixes what several processes write
 * to a pipe at the same time, unless it is shorter than 4 KiB.
 */
export function copyLines(output: Readable, lines: DestinationStream): void {
  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (text: string) => {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) lines.write(rest + text.slice(0, end));
    rest = end > 0 ? text.slice(end) : rest + text;
  });
  output.on("end", () => {
    // The worker crashed while it wrote this line.
    if (rest !== "") lines.write(`${rest}\n`);
  });
}

interface Handle {
  close(): void;
}

function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && "close" in value;
}

/**
 * Closes the connection that was on its way to a worker when the worker crashed. node:cluster keeps
 * it open, so the client would wait for a response until its timeout.
 */
function closeUndelivered(child: ChildProcess): void {
  let latest: Handle | undefined;
  child.send = new Proxy(child.send, {
    apply(send, self, args: readonly unknown[]) {
      const [, handle] = args;
      if (isHandle(handle)) latest = handle;
      return Reflect.apply(send, self, args);
    },
  });
  child.once("exit", (code) => {
    // This has no effect if the worker received the connection, which is then already closed here.
    if (code !== 0) latest?.close();
  });
}

/** Lets a worker ask for the reports of all processes while it listens. */
function exchangeReports(worker: Worker, reports: ReportCollector, logger: Logger): void {
  const channel = new QuestionChannel({
    send(message) {
      worker.send(message, () => {
        // It fails only if the worker has just ended.
      });
    },
    answer: () => reports.collect(),
  });
  worker.on("message", (message) => {
    channel
      .receive(message)
      .catch((error) => logger.error({ err: error }, "the reports of the workers are invalid"));
  });
  worker.once("listening", () => reports.add(channel));
  worker.once("exit", () => reports.remove(channel));
}

function forkWorker({ logger, lines }: Log, reports: ReportCollector): WorkerProcess {
  const worker = cluster.fork({ WORKERS: "1" });
  const { process: child } = worker;
  exchangeReports(worker, reports, logger);
  closeUndelivered(child);
  if (child.stdout) copyLines(child.stdout, lines);
  worker.on("error", (error) => logger.error({ err: error, worker: child.pid }, "worker error"));
  return {
    pid: child.pid,
    listening: new Promise((resolve) => worker.once("listening", () => resolve())),
    ended: new Promise((resolve) =>
      child.once("close", (code, signal) => resolve({ code, signal })),
    ),
    stop(signal) {
      worker.send(signal, () => {
        // This fails only if the worker has just ended.
      });
    },
  };
}

/** Starts `WORKERS` processes that share one port. This process passes connections on to them. */
export async function startWorkers({ WORKERS, LOG_LEVEL }: Config): Promise<Stop> {
  const log = await createLog(LOG_LEVEL);
  const metrics = new Metrics();
  observeProcess(metrics);
  observeEventLoop(metrics);
  const reports = new ReportCollector(() => reportProcess(metrics));
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL("./worker.ts", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const supervisor = new Supervisor({
    count: WORKERS,
    fork: () => forkWorker(log, reports),
    logger: log.logger,
    exit: (status) => process.exit(status),
  });
  return (signal) => supervisor.stop(signal);
}
