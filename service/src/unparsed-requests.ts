import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Connections } from "./connections.ts";

/** How long a closing connection keeps reading, so that the client can read the response. */
const lingerMs = 1_000;

type Rejection = readonly [status: number, detail: string];

const notFound: Rejection = [404, "Not Found"];
const badRequest: Rejection = [400, "Bad Request"];
const requestTimeout = "ERR_HTTP_REQUEST_TIMEOUT";
const rejections: Readonly<Record<string, Rejection>> = {
  [requestTimeout]: [408, "Request Timeout"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Content Too Large"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
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
export function answerUnparsedRequests(server: Server, connections: Connections): void {
  const rejected = new WeakSet<Duplex>();

  function reject(socket: Duplex, rejection: Rejection): void {
    rejected.add(socket);
    const response = connections.get(socket);
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
    if (rejected.has(socket) || rejection === undefined) socket.destroy();
    else reject(socket, rejection);
  });
  server.on("connect", (_, socket) => {
    socket.on("error", () => {
      // The client is gone.
    });
    socket.resume();
    reject(socket, notFound);
  });
}
