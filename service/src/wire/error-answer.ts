import type { Logger } from "pino";
import { Refusal } from "./refusal.ts";

/** A JSON answer, with the headers that it has beside those of every answer. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** A refusal's own answer; for everything else a 500 that tells nothing but to the log. */
export function answerError(error: unknown, requestId: string, logger: Logger): JsonAnswer {
  if (error instanceof Refusal) return error;
  logger.error({ err: error, requestId }, "request failed");
  return { status: 500, body: '{"detail":"Internal Server Error"}', headers: {} };
}
