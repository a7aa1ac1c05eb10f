import type { Context } from "hono";
import type { Logger } from "pino";
import { type AccessLog, durationMsSince } from "../telemetry/access-log.ts";
import { requestIdOf } from "../telemetry/request-id.ts";
import { Refusal } from "../wire/refusal.ts";
import { dropUnread, type NodeEnvironment, requestHeader } from "../wire/sent-request.ts";

/** The result of a handler, from which the response is created. */
export interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** The default `Content-Type` is JSON. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Handles one request; throws a {@link Refusal} for an error response. */
export type Handle = (c: Context<NodeEnvironment>) => Answer | Promise<Answer>;

/** Creates a JSON response. */
export function json(value: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(value) };
}

/** The dependencies of {@link createExchange}. */
export interface ExchangeDependencies {
  readonly logger: Logger;
  readonly accessLog: AccessLog;
  readonly isDraining: () => boolean;
}

/**
 * Creates the wrapper of all handlers. It gives each request an id, turns errors into responses,
 * writes the access log, and closes connections while draining.
 */
export function createExchange({ logger, accessLog, isDraining }: ExchangeDependencies) {
  function answerError(error: unknown, requestId: string): Answer {
    if (error instanceof Refusal) return error;
    logger.error({ err: error, requestId }, "request failed");
    return json({ detail: "Internal Server Error" }, 500);
  }

  /** @param route the pattern that the request matched; `*` if none */
  return function exchange(route: string, handle: Handle) {
    return async function answer(c: Context<NodeEnvironment>): Promise<Response> {
      const start = performance.now();
      const { method, path } = c.req;
      const requestId = requestIdOf(requestHeader(c, "x-request-id"));
      let result: Answer;
      try {
        result = await handle(c);
      } catch (error) {
        result = answerError(error, requestId);
        dropUnread(c);
      }
      const { status, body, headers } = result;
      accessLog({ requestId, method, path, route, status, durationMs: durationMsSince(start) });
      const fields =
        body === null
          ? { "X-Request-Id": requestId, ...headers }
          : { "Content-Type": "application/json", "X-Request-Id": requestId, ...headers };
      return new Response(body, {
        status,
        headers: isDraining() ? { ...fields, Connection: "close" } : fields,
      });
    };
  };
}
