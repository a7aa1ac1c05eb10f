import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Connections } from "./connections.ts";

/** How long a closing connection is still read, so that the client gets to read the response. */
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

/** @returns `undefined` for an error of the connection, to which there is no response */
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
  // Closing at once would reset the connection while the client still sends, and it might lose the
  // response.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/**
 * Answers the requests that never reach the app: those that Node.js's parser rejects or that do not
 * arrive in time, and `CONNECT`. Then closes the connection.
 *
 * Responses in flight on the connection are sent first. A request that turns out to be invalid
 * after its response was started gets no second one.
 */
export function answerUnparsedRequests(server: Server, connections: Connections): void {
  const rejected = new WeakSet<Duplex>();

  function reject(socket: Duplex, rejection: Rejection): void {
    rejected.add(socket);
    const response = connections.get(socket);
    // The rejected request is the latest one if its body is incomplete, otherwise it is a later one.
    const isLatest = response?.req.complete === false;
    const isAnswered = isLatest && response.headersSent;
    const text = isAnswered ? "" : responseText(rejection);
    if (response === undefined || response.writableFinished) {
      close(socket, text);
    } else if (!isLatest || isAnswered) {
      response.once("finish", () => close(socket, text));
    } else if (response.socket === null) {
      // Its turn comes once the responses to earlier requests are sent.
      response.once("socket", () => reject(socket, rejection));
    } else {
      close(socket, text);
    }
  }

  server.on("clientError", (error, socket) => {
    const code = "code" in error ? String(error.code) : "";
    const rejection = rejectionOf(code);
    // The parser repeats its error for everything that the client sends after it.
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
