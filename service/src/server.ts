import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { App } from "./app.ts";

/** A segment `.` or `..` of a path, and a backslash: URL parsers rewrite both, servers don't. */
const rewritten = /\\|(?<=\/)(?:\.|%2e){1,2}(?=[/?#]|$)/gi;

/** Keeps a request's path from leading to a route other than the one it names. */
function literalTarget(target: string): string {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  const literal = path.replace(rewritten, (part) =>
    part === "\\" ? "%5C" : part.replace(/\.|%2e/gi, "%252e"),
  );
  return literal + target.slice(path.length);
}

/**
 * A Node.js server for the app that takes whatever FastAPI's takes: HTTP/1.0, a request without
 * `Host` or with any, an expectation that it does not know.
 *
 * @param options.timeoutMs for how long a request may take to arrive; the app answers 504 then, and
 *   a little later the server ends the connection
 */
export function createAppServer(app: App, options: { readonly timeoutMs: number }): Server {
  const answer = getRequestListener(app.fetch, {
    errorHandler: (error) =>
      error instanceof RequestError
        ? Response.json({ detail: "Bad Request" }, { status: 400 })
        : Response.json({ detail: "Internal Server Error" }, { status: 500 }),
  });
  const listener: RequestListener = (incoming, outgoing) => {
    // No route asks for the host, and an odd one must not keep a request from its answer.
    incoming.headers.host = "localhost";
    incoming.url = literalTarget(incoming.url ?? "/");
    return answer(incoming, outgoing);
  };
  const requestTimeout = options.timeoutMs + 5_000;
  const server = createServer({ requireHostHeader: false, requestTimeout }, listener);
  return server.on("checkExpectation", listener);
}
