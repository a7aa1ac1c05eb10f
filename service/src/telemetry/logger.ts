import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config.ts";

type LogLevel = Config["LOG_LEVEL"];

/** Lines are written together, one system call for many, but none waits for longer than this. */
const batchLength = 64 * 1024;
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
    // Predictions go on when nobody reads the log any more, or the disk under it is full.
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

/** A logger, and where it writes to. */
export interface Log {
  readonly logger: Logger;
  readonly lines: DestinationStream;
}

/** JSON lines on standard output; readable ones where that is a terminal. */
export async function createLog(level: LogLevel): Promise<Log> {
  const lines = process.stdout.isTTY ? await readableLines() : jsonLines();
  return { logger: pino({ level }, lines), lines };
}
