import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { App } from "./app.ts";
import { type Connections, trackConnections } from "./connections.ts";
import { arrivalTimeoutMs } from "./routes/limits.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { answerUnparsedRequests } from "./unparsed-requests.ts";

/**
 * How long a connection may be idle between two requests. Load balancers reuse idle connections,
 * and respond with 502 if the server closes one at that moment. So the load balancer must close
 * idle connections first: AWS does after 60 s by default, Google Cloud after 600 s
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html,
 * https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries).
 */
const keepAliveTimeoutMs = 620_000;

/** How often Node.js checks for requests that take too long to arrive. */
const arrivalCheckIntervalMs = 1_000;

/**
 * Path segments `.` and `..`, and backslashes. URL parsers rewrite them, but FastAPI's server does
 * not.
 */
const rewritten = /\\|(?<=\/)(?:\.|%2e){1,2}(?=[/?#]|$)/gi;

/** The targets of nearly all requests, which need no rewriting. */
const plain = /^\/[\w/-]*$/;

/** The scheme and host of a request target in absolute form (RFC 9112, 3.2.2). */
const origin = /^https?:\/\/[^/?#]+/i;

/**
 * Turns a request target into a path that the URL parser keeps unchanged, so that only the route
 * with exactly this path matches. The host is dropped, since no route depends on it. `*` becomes
 * `/*`, which matches no route.
 */
function literalTarget(target: string): string {
  if (plain.test(target)) return target;
  if (target === "*") return "/*";
  const relative = target.replace(origin, "");
  const end = relative.search(/[?#]/);
  const path = end === -1 ? relative : relative.slice(0, end);
  const literal = path.replace(rewritten, (part) =>
    part === "\\" ? "%5C" : part.replace(/\.|%2e/gi, "%252e"),
  );
  const isAbsoluteForm = relative.length < target.length;
  return (literal === "" && isAbsoluteForm ? "/" : literal) + relative.slice(path.length);
}

/** Settings of {@link createAppServer}. */
export interface AppServerOptions {
  /**
   * The app responds with 504 to requests that take longer. A request whose headers take 5 s longer
   * than this to arrive gets 408, and its connection is closed.
   */
  readonly timeoutMs: number;
  /** Maximum length of the request line and headers. Longer ones get 431. */
  readonly maxHeaderBytes: number;
  /** Beyond this, idle connections are closed. */
  readonly maxConnections: number;
  readonly metrics: Metrics;
}

/** A Node.js server and its connections. */
export interface AppServer {
  readonly server: Server;
  readonly connections: Connections;
}

/**
 * Creates a Node.js server for the app. Like FastAPI's server, it accepts HTTP/1.0, requests with
 * an absent or invalid `Host`, and unknown expectations. Every error response has a JSON body.
 */
export function createAppServer(app: App, options: AppServerOptions): AppServer {
  const { timeoutMs, maxHeaderBytes, maxConnections, metrics } = options;
  const answer = getRequestListener(app.fetch, {
    errorHandler: (error) =>
      error instanceof RequestError
        ? Response.json({ detail: "Bad Request" }, { status: 400 })
        : Response.json({ detail: "Internal Server Error" }, { status: 500 }),
  });
  const listener: RequestListener = (incoming, outgoing) => {
    // No route depends on the host, and an invalid one must not prevent a response.
    incoming.headers.host = "localhost";
    incoming.url = literalTarget(incoming.url ?? "/");
    return answer(incoming, outgoing);
  };
  const server = createServer({
    requireHostHeader: false,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: keepAliveTimeoutMs,
    // `headersTimeout` is the same, but at most 60 s. Both may be shorter than `keepAliveTimeout`,
    // since idle time between requests does not count.
    requestTimeout: arrivalTimeoutMs(timeoutMs),
    connectionsCheckingInterval: arrivalCheckIntervalMs,
  });
  const connections = trackConnections(server, maxConnections, metrics);
  // Node.js would ask for the body of each request. Here, only a handler that reads it does.
  server.on("request", listener).on("checkExpectation", listener).on("checkContinue", listener);
  answerUnparsedRequests(server, connections, metrics);
  return { server, connections };
}
