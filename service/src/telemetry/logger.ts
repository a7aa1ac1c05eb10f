import { type DestinationStream, type Logger, pino } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

async function destination(): Promise<DestinationStream> {
  if (!process.stdout.isTTY) return pino.destination({ sync: true });
  const { PinoPretty } = await import("pino-pretty");
  return PinoPretty({ sync: true, ignore: "pid,hostname" });
}

/** JSON lines on standard output; readable ones where that is a terminal. */
export async function createLogger(level: LogLevel): Promise<Logger> {
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, await destination());
}
