import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Connections } from "./connections.ts";
import type { RejectionReason } from "./telemetry/metric-table.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { countRejections } from "./telemetry/request-metrics.ts";

/** How long a closing connection keeps reading, so that the client can read the response. */
const lingerMs = 1_000;

type Rejection = readonly [status: number, detail: string, reason?: RejectionReason];

const notFound: Rejection = [404, "Not Found"];
const badRequest: Rejection = [400, "Bad Request", "malformed"];
const requestTimeout = "ERR_HTTP_REQUEST_TIMEOUT";
const rejections: Readonly<Record<string, Rejection>> = {
  [requestTimeout]: [408, "Request Timeout", "slow_arrival"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Content Too Large", "malformed"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large", "headers_too_long"],
};

/** @returns `undefined` for connection errors, which get no response */
function rejectionOf(errorCode: string): Rejection | undefined {
  return rejections[errorCode] ?? (errorCode.startsWith("HPE_") ? badRequest : undefined);
}

function responseText([status, detail]: Rejection): string {
  const body = JSON.stringify({ detail });
  const headers = [
    `HTTP/1.1 ${status} ${detail}`,
    `Date: ${new Date().toUTCString()}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}

function close(socket: Duplex, text = ""): void {
  if (socket.writable) socket.end(text);
  // If the client is still sending, closing immediately would reset the connection, and the client
  // might not get the response.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/**
 * Responds to requests that never reach the app, then closes the connection: requests that Node.js
 * cannot parse, requests that do not arrive in time, and `CONNECT`.
 *
 * Responses in flight on the connection are sent first. If a request turns out to be invalid after
 * its response has started, it gets no second response.
 */
export function answerUnparsedRequests(
  server: Server,
  connections: Connections,
  metrics: Metrics,
): void {
  const rejected = new WeakSet<Duplex>();
  const countRejection = countRejections(metrics);

  function count(socket: Duplex, [status, , reason]: Rejection): void {
    if (reason !== undefined) countRejection(reason);
    // The app counts the response to a request whose headers it has received.
    if (connections.get(socket)?.response?.req.complete === false) return;
    const labels = { method: "OTHER", route: "unparsed", status: String(status) };
    metrics.counter("http_requests_total", labels).value++;
  }

  function reject(socket: Duplex, rejection: Rejection): void {
    rejected.add(socket);
    const response = connections.get(socket)?.response;
    // If the body of the latest request is incomplete, that request is the rejected one. Otherwise
    // it is a request after it.
    const isLatest = response?.req.complete === false;
    const isAnswered = isLatest && response.headersSent;
    const text = isAnswered ? "" : responseText(rejection);
    if (response === undefined || response.writableFinished) {
      close(socket, text);
    } else if (!isLatest || isAnswered) {
      response.once("finish", () => close(socket, text));
    } else if (response.socket === null) {
      // Responses to earlier requests are sent first.
      response.once("socket", () => reject(socket, rejection));
    } else {
      close(socket, text);
    }
  }

  server.on("clientError", (error, socket) => {
    const code = "code" in error ? String(error.code) : "";
    const rejection = rejectionOf(code);
    // The parser reports the same error for everything that the client sends afterwards.
    if (rejected.has(socket) && code !== requestTimeout) return;
    if (rejected.has(socket) || rejection === undefined) {
      socket.destroy();
    } else {
      count(socket, rejection);
      reject(socket, rejection);
    }
  });
  server.on("connect", (_, socket) => {
    socket.on("error", () => {
      // The client is gone.
    });
    socket.resume();
    count(socket, notFound);
    reject(socket, notFound);
  });
}
