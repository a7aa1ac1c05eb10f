import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { App } from "./app.ts";
import { type Connections, trackConnections } from "./connections.ts";
import { answerUnparsedRequests } from "./unparsed-requests.ts";

/**
 * How long a connection may be idle between two requests. Load balancers reuse idle connections,
 * and answer 502 if the server closes one at that moment, so theirs must be the shorter timeout.
 * AWS closes them after 60 s by default, Google Cloud after 600 s
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html,
 * https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries).
 */
const keepAliveTimeoutMs = 620_000;

/** How much longer a request may take to arrive than the app waits for it. */
const arrivalGraceMs = 5_000;

/** How much longer a connection may make no progress: its client does not read the response. */
const stallGraceMs = 7_000;

/** How often Node.js looks for requests that take too long to arrive. */
const arrivalCheckIntervalMs = 1_000;

/** A segment `.` or `..` of a path, and a backslash: URL parsers rewrite both, servers do not. */
const rewritten = /\\|(?<=\/)(?:\.|%2e){1,2}(?=[/?#]|$)/gi;

/** The scheme and host of a request target in absolute form (RFC 9112, 3.2.2). */
const origin = /^https?:\/\/[^/?#]+/i;

/**
 * Makes the target a path that leads to the route it names, and no other: no route depends on the
 * host, and none matches `*`, the target of `OPTIONS *`.
 */
function literalTarget(target: string): string {
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
   * How long a request may take to arrive before the app answers 504. Requests that have not even
   * reached the app 5 s later get 408, and their connection is closed.
   */
  readonly timeoutMs: number;
  /** Maximum length of the request line and headers; longer ones get 431. */
  readonly maxHeaderBytes: number;
  /** Idle connections are closed when there would be more. */
  readonly maxConnections: number;
}

/** A Node.js server and its connections. */
export interface AppServer {
  readonly server: Server;
  readonly connections: Connections;
}

/**
 * A Node.js server for the app, which accepts what FastAPI's server accepts: HTTP/1.0, requests
 * without `Host` or with an invalid one, unknown expectations. Every error has a JSON body.
 */
export function createAppServer(app: App, options: AppServerOptions): AppServer {
  const { timeoutMs, maxHeaderBytes, maxConnections } = options;
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
    // `headersTimeout` is the same, or 60 s if that is less. Idle time between requests counts for
    // neither of them, so they may be shorter than `keepAliveTimeout`.
    requestTimeout: timeoutMs + arrivalGraceMs,
    connectionsCheckingInterval: arrivalCheckIntervalMs,
  });
  server.timeout = timeoutMs + stallGraceMs;
  const connections = trackConnections(server, maxConnections);
  server.on("request", listener).on("checkExpectation", listener);
  answerUnparsedRequests(server, connections);
  return { server, connections };
}
