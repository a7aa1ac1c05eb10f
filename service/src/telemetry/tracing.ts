import {
  type Attributes,
  context,
  diag,
  isValidTraceId,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Context } from "hono";
import { withTimeout } from "../timeout.ts";
import { version } from "../version.ts";
import { Refusal } from "../wire/refusal.ts";
import { type NodeEnvironment, requestHeader } from "../wire/sent-request.ts";
import type { LoggedPrediction } from "./access-log.ts";
import { frequentRoutes } from "./frequent-routes.ts";

/** How long sending the remaining spans may take when the service stops. */
const flushMs = 2_000;

/** Returns the provider that an SDK has registered; undefined without an SDK. */
function registeredProvider() {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return provider;
  const delegate = provider.getDelegate();
  // The delegate of any proxy without an SDK.
  return delegate === new ProxyTracerProvider().getDelegate() ? undefined : delegate;
}

// An SDK is loaded with `--import`, so before this module. Without one, spans cost nothing.
const provider = registeredProvider();
const tracer = provider?.getTracer("prediction-service", version);

/** The methods that the semantic conventions know. Any other is `_OTHER`. */
const knownMethods = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
];

/**
 * Returns the attributes of OpenTelemetry's semantic conventions for HTTP servers. The query is left
 * out, since it may be personal.
 */
function requestAttributes(route: string, c: Context<NodeEnvironment>): Attributes {
  const { method, path } = c.req;
  const isKnown = knownMethods.includes(method);
  const userAgent = requestHeader(c, "user-agent");
  return {
    "http.request.method": isKnown ? method : "_OTHER",
    ...(isKnown ? {} : { "http.request.method_original": method }),
    ...(route === "*" ? {} : { "http.route": route }),
    "url.path": path,
    "url.scheme": "http",
    ...(userAgent === undefined ? {} : { "user_agent.original": userAgent }),
  };
}

function markFailed(span: Span, error: unknown): void {
  // A client's mistake is not an error of the service.
  if (error instanceof Refusal && error.status < 500) return;
  const type = error instanceof Error ? error.constructor.name : typeof error;
  span.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR });
}

/** Answers a request. */
type AnswerRequest = (c: Context<NodeEnvironment>) => Promise<Response>;

const requestHeaders = {
  get: (c: Context<NodeEnvironment>, name: string) => requestHeader(c, name),
  keys: () => [],
};

/**
 * Answers a request in a span, whose parent is in the `traceparent` header. If an instrumentation has
 * already started a span for the request, that one is used.
 */
async function answerInSpan(
  tracer: Tracer,
  route: string,
  c: Context<NodeEnvironment>,
  answer: AnswerRequest,
): Promise<Response> {
  const attributes = requestAttributes(route, c);
  const { "http.request.method": method, "http.route": pattern } = attributes;
  const name = pattern === undefined ? `${method}` : `${method} ${pattern}`;
  const active = trace.getActiveSpan();
  if (active !== undefined) {
    active.setAttributes(attributes).updateName(name);
    return answer(c);
  }
  const parent = propagation.extract(context.active(), c, requestHeaders);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => answer(c));
  } finally {
    span.end();
  }
}

/**
 * Gives each request to a route a span. Spans that start in the meantime are its children.
 *
 * @param route the pattern that the request matched; `*` if none
 * @returns `answer` itself without an SDK, and for the routes of probes and of Prometheus
 */
export function traceRequests(route: string, answer: AnswerRequest): AnswerRequest {
  if (tracer === undefined || frequentRoutes.includes(route)) return answer;
  return (c) => answerInSpan(tracer, route, c, answer);
}

const traceparent = /^(?!ff)[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/** Returns the trace id in a `traceparent` header (W3C Trace Context); undefined if it is invalid. */
function traceIdIn(header: string): string | undefined {
  const id = traceparent.exec(header)?.[1];
  return id !== undefined && isValidTraceId(id) ? id : undefined;
}

/**
 * Returns the id of the trace that the current request belongs to, in hex.
 *
 * @param header its `traceparent` header, which counts if the request has no span
 */
export function traceIdOf(header: string | undefined): string | undefined {
  const span = tracer && trace.getActiveSpan();
  if (span) return span.spanContext().traceId;
  return header === undefined ? undefined : traceIdIn(header);
}

/** Adds the response to the span of the current request, if it has one. */
export function traceResponse(status: number, prediction: LoggedPrediction | undefined): void {
  const span = tracer && trace.getActiveSpan();
  if (!span) return;
  span.setAttribute("http.response.status_code", status);
  if (prediction) {
    const { model, records, cache } = prediction;
    span.setAttributes({
      "prediction.model": model,
      "prediction.records": records,
      "prediction.cache": cache,
    });
  }
  if (status < 500) return;
  span.setAttribute("error.type", String(status)).setStatus({ code: SpanStatusCode.ERROR });
}

/** A part of the work of a request. */
interface Part extends SpanOptions {
  readonly name: string;
}

/** Reading and validating the body. */
export const parsing: Part = { name: "parse" };

/** Waiting for the model, and running it. */
export const inference: Part = { name: "inference" };

/** A command to Redis, with the attributes of the semantic conventions for databases. */
const redisCommand = (name: string): Part => ({
  name,
  kind: SpanKind.CLIENT,
  attributes: { "db.system.name": "redis", "db.operation.name": name },
});

/** The commands to Redis. */
export const redisCommands = { get: redisCommand("GET"), set: redisCommand("SET") };

function workInSpan<R>(tracer: Tracer, { name, ...options }: Part, work: () => R): R {
  const span = tracer.startSpan(name, options);
  const end = () => span.end();
  const endFailed = (error: unknown) => {
    markFailed(span, error);
    span.end();
  };
  try {
    const result = context.with(trace.setSpan(context.active(), span), work);
    if (result instanceof Promise) result.then(end, endFailed);
    else end();
    return result;
  } catch (error) {
    endFailed(error);
    throw error;
  }
}

/**
 * Gives each call of a function a span, if the current request has one.
 *
 * @returns `work` itself without an SDK
 */
export function traceWork<A extends unknown[], R>(
  part: Part,
  work: (...args: A) => R,
): (...args: A) => R {
  if (tracer === undefined) return work;
  return (...args) =>
    trace.getActiveSpan() === undefined
      ? work(...args)
      : workInSpan(tracer, part, () => work(...args));
}

/** Sends the spans that have ended. Does nothing without an SDK. Spans that take too long are lost. */
export async function flushSpans(): Promise<void> {
  if (provider === undefined || !("forceFlush" in provider)) return;
  const { forceFlush } = provider;
  if (typeof forceFlush !== "function") return;
  try {
    await withTimeout(flushMs, Promise.resolve(forceFlush.call(provider)));
  } catch (error) {
    diag.error(`Spans were lost when the service stopped: ${error}`);
  }
}
