import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config.ts";

type LogLevel = Config["LOG_LEVEL"];

// Lines are written in batches to save system calls: when a batch is long enough, or after a delay.
/** The number of characters that are written immediately. */
const batchLength = 64 * 1024;
/** The longest time until a line is written. */
const flushMs = 100;

function jsonLines(): DestinationStream {
  let lines = "";
  function flush(): void {
    if (lines !== "") process.stdout.write(lines);
    lines = "";
  }
  setInterval(flush, flushMs).unref();
  process.on("exit", flush);
  process.stdout.on("error", () => {
    // Predictions continue even if nobody reads the log, or the disk is full.
  });
  return {
    write(line) {
      lines += line;
      if (lines.length >= batchLength) flush();
    },
  };
}

async function readableLines(): Promise<DestinationStream> {
  const { PinoPretty } = await import("pino-pretty");
  return PinoPretty({ sync: true, ignore: "pid,hostname" });
}

/** A logger and its destination. */
export interface Log {
  readonly logger: Logger;
  readonly lines: DestinationStream;
}

/** Creates a logger that writes JSON lines to standard output, or readable lines to a terminal. */
export async function createLog(level: LogLevel): Promise<Log> {
  const lines = process.stdout.isTTY ? await readableLines() : jsonLines();
  return { logger: pino({ level }, lines), lines };
}
