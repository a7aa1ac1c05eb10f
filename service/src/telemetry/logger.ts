import { type DestinationStream, type Logger, pino } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Lines are written together: one system call for many, but none is held back for longer. */
const batchBytes = 8 * 1024;
const flushMs = 100;

function jsonLines(): DestinationStream {
  const destination = pino.destination({ sync: false, minLength: batchBytes });
  setInterval(() => destination.flush(), flushMs).unref();
  return destination;
}

async function readableLines(): Promise<DestinationStream> {
  const { PinoPretty } = await import("pino-pretty");
  return PinoPretty({ sync: true, ignore: "pid,hostname" });
}

/** JSON lines on standard output; readable ones where that is a terminal. */
export async function createLogger(level: LogLevel): Promise<Logger> {
  const destination = process.stdout.isTTY ? await readableLines() : jsonLines();
  return pino({ level }, destination);
}
