import {
  type Attributes,
  context,
  diag,
  isValidTraceId,
  propagation,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { withTimeout } from "../timeout.ts";
import { version } from "../version.ts";
import { Refusal } from "../wire/refusal.ts";
import type { LoggedPrediction } from "./access-log.ts";

/** How long spans may take to be sent when the service stops. */
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

/** The routes of probes and of Prometheus, which would hide all other requests in a list of traces. */
const untracedRoutes = ["/health", "/metrics"];

/** Whether requests of a route have spans: with an SDK, unless they come from probes or Prometheus. */
export function isTraced(route: string): boolean {
  return tracer !== undefined && !untracedRoutes.includes(route);
}

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

/** What a span says about a request. The query is left out, since it may be personal. */
export interface TracedRequest {
  readonly method: string;
  readonly path: string;
  /** The pattern that the request matched; `*` if none. */
  readonly route: string;
  /** Returns a header. */
  readonly header: (name: string) => string | undefined;
}

/** The attributes of OpenTelemetry's semantic conventions for HTTP servers. */
function requestAttributes({ method, path, route, header }: TracedRequest): Attributes {
  const isKnown = knownMethods.includes(method);
  const userAgent = header("user-agent");
  return {
    "http.request.method": isKnown ? method : "_OTHER",
    ...(isKnown ? {} : { "http.request.method_original": method }),
    ...(route === "*" ? {} : { "http.route": route }),
    "url.path": path,
    "url.scheme": "http",
    ...(userAgent === undefined ? {} : { "user_agent.original": userAgent }),
  };
}

function fail(span: Span, error: unknown): void {
  // A client's mistake is no error of the service.
  if (error instanceof Refusal && error.status < 500) return;
  const type = error instanceof Error ? error.constructor.name : typeof error;
  span.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR });
}

/** The span of a request. */
export class RequestSpan {
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  /** Records the response. */
  respond(status: number, prediction: LoggedPrediction | undefined): void {
    this.#span.setAttribute("http.response.status_code", status);
    if (prediction) {
      const { model, records, cache } = prediction;
      this.#span.setAttributes({
        "prediction.model": model,
        "prediction.records": records,
        "prediction.cache": cache,
      });
    }
    if (status < 500) return;
    this.#span.setAttribute("error.type", String(status)).setStatus({ code: SpanStatusCode.ERROR });
  }
}

/**
 * Does the work of a request in a span, whose parent is in the `traceparent` header. Spans that start
 * in the meantime are its children. If an instrumentation has already started a span for the request,
 * that one is used.
 */
export async function inRequestSpan<T>(
  request: TracedRequest,
  work: (span?: RequestSpan) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return work();
  const attributes = requestAttributes(request);
  const { "http.request.method": method, "http.route": route } = attributes;
  const name = route === undefined ? `${method}` : `${method} ${route}`;
  const active = trace.getActiveSpan();
  if (active !== undefined) {
    active.setAttributes(attributes).updateName(name);
    return work(new RequestSpan(active));
  }
  const parent = propagation.extract(context.active(), request.header, {
    get: (header, key) => header(key),
    keys: () => [],
  });
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(new RequestSpan(span)));
  } finally {
    span.end();
  }
}

function traceWork<T>(
  tracer: Tracer,
  { name, ...options }: Part,
  work: () => T | Promise<T>,
): T | Promise<T> {
  const span = tracer.startSpan(name, options);
  const failed = (error: unknown): never => {
    fail(span, error);
    span.end();
    throw error;
  };
  let result: T | Promise<T>;
  try {
    result = context.with(trace.setSpan(context.active(), span), work);
  } catch (error) {
    return failed(error);
  }
  if (result instanceof Promise) {
    return result.then((value) => {
      span.end();
      return value;
    }, failed);
  }
  span.end();
  return result;
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

/** Does a part of the work of a request in a span. Without a span of the request, there is none. */
export function inSpan<T>(part: Part, work: () => T | Promise<T>): T | Promise<T> {
  if (tracer === undefined || trace.getActiveSpan() === undefined) return work();
  return traceWork(tracer, part, work);
}

const traceparent = /^(?!ff)[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/** Returns the trace id in a `traceparent` header (W3C Trace Context); undefined if it is invalid. */
export function traceIdIn(header: string | undefined): string | undefined {
  const id = header === undefined ? undefined : traceparent.exec(header)?.[1];
  return id !== undefined && isValidTraceId(id) ? id : undefined;
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
