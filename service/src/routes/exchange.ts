import type { Context } from "hono";
import type { Logger } from "pino";
import { type AccessLog, durationMsSince, type LoggedPrediction } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { requestIdOf } from "../telemetry/request-id.ts";
import { countRejections, RequestMetrics } from "../telemetry/request-metrics.ts";
import { traceIdOf, traceRequests, traceResponse } from "../telemetry/tracing.ts";
import { Refusal, refusal } from "../wire/refusal.ts";
import { dropUnread, type NodeEnvironment, requestHeader } from "../wire/sent-request.ts";
import { RefusalPace } from "./refusal-pace.ts";

/** The result of a handler, from which the response is created. */
export interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** The default `Content-Type` is JSON. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the log and the metrics say about a prediction. */
  readonly prediction?: LoggedPrediction;
}

/** A request to any route. */
export type RequestContext = Context<NodeEnvironment>;

/** Handles one request; throws a {@link Refusal} for an error response. */
export type Handle = (c: RequestContext) => Answer | Promise<Answer>;

/** Creates a JSON response. */
export function json(value: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(value) };
}

/** Whether a path belongs to the Open Inference Protocol, whose errors differ from FastAPI's. */
export const isProtocolPath = (path: string): boolean => /^\/v2(?:\/|$)/.test(path);

function errorAnswer(path: string, { status, text, body, headers }: Refusal): Answer {
  return { status, body: isProtocolPath(path) ? JSON.stringify({ error: text }) : body, headers };
}

/** The dependencies of {@link createExchange}. */
export interface ExchangeDependencies {
  readonly logger: Logger;
  readonly accessLog: AccessLog;
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
}

/**
 * Creates the wrapper of all handlers. It gives each request an id, turns errors into responses,
 * writes the access log, traces and counts the request, and closes connections while draining.
 */
export function createExchange(deps: ExchangeDependencies) {
  const { logger, accessLog, metrics, isDraining } = deps;
  const requests = new RequestMetrics(metrics);
  const countRejection = countRejections(metrics);
  const refusals = new RefusalPace();

  function refusalOf(error: unknown, requestId: string): Refusal {
    if (error instanceof Refusal) {
      if (error.reason !== undefined) countRejection(error.reason);
      return error;
    }
    logger.error({ err: error, requestId }, "request failed");
    return refusal(500, "Internal Server Error");
  }

  /** @param route the pattern that the request matched; `*` if none */
  return function exchange(route: string, handle: Handle) {
    const responses = requests.ofRoute(route);
    return traceRequests(route, async function answer(c) {
      const start = performance.now();
      requests.begin();
      const { method, path } = c.req;
      const requestId = requestIdOf(requestHeader(c, "x-request-id"));
      let result: Answer;
      try {
        result = await handle(c);
      } catch (error) {
        result = errorAnswer(path, refusalOf(error, requestId));
        dropUnread(c);
        if (result.status === 503) await refusals.turn();
      }
      const { status, body, headers, prediction } = result;
      const durationMs = durationMsSince(start);
      requests.end();
      responses.count(method, status, durationMs / 1000);
      if (prediction) requests.predicted(prediction);
      traceResponse(status, prediction);
      const traceId = traceIdOf(requestHeader(c, "traceparent"));
      accessLog({ requestId, method, path, route, status, durationMs, prediction, traceId });
      const fields: Record<string, string> = { ...headers, "X-Request-Id": requestId };
      if (body !== null) fields["Content-Type"] ??= "application/json";
      return new Response(body, {
        status,
        headers: isDraining() ? { ...fields, Connection: "close" } : fields,
      });
    });
  };
}
