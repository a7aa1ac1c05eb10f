import { type DestinationStream, type Logger, pino } from "pino";
import { PinoPretty } from "pino-pretty";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on standard output; readable ones where that is a terminal. */
export function createLogger(level: LogLevel): Logger {
  const destination: DestinationStream = process.stdout.isTTY
    ? PinoPretty({ sync: true, ignore: "pid,hostname" })
    : pino.destination({ sync: true });
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
