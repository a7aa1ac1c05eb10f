import { connect, type Socket } from "node:net";
import { readConfig } from "../../../service/src/config.ts";

const patienceMs = readConfig({}).REQUEST_TIMEOUT_MS + 5_000;
/** The header of most bodies. */
export const jsonType = "Content-Type: application/json";

/** How a request ended. */
export interface Outcome {
  /**
   * The status of the response. Without a complete response: `lost`, `refused` if the server closed
   * the connection before the request was complete, or `left` if the client closed it.
   */
  readonly status: string;
  /** The status line and the headers of the response. */
  readonly head: string;
}

/** A request in parts, which are sent as fast as the server reads, until the response arrives. */
export interface Upload {
  readonly parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Whether the client closes the connection after the last part. */
  readonly leaves?: boolean;
}

/** Returns the value of a header. */
export const headerOf = (head: string, name: string): string | undefined =>
  new RegExp(`\r\n${name}: ([^\r]*)`, "i").exec(head)?.[1];

/** Returns the head of a POST request with a body of a length in bytes, or of a GET request. */
export function requestHead(path: string, body?: number | "chunks", header = jsonType) {
  const method = body === undefined ? "GET" : "POST";
  const framing = body === "chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${body ?? 0}`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n${framing}\r\n\r\n`;
}

/** A connection with one request in flight at a time. To save time, it discards response bodies. */
export class Connection {
  /** Whether the connection can take another request. */
  isOpen = true;
  readonly #socket: Socket;
  #isUploading = false;
  #head = "";
  /** How many bytes of the response's body are missing. */
  #remaining: number | undefined;
  #resolve: ((outcome: Outcome) => void) | undefined;
  #resume = () => {};

  /** @param origin such as `http://127.0.0.1:8000` */
  constructor(origin: string) {
    const { hostname, port } = new URL(origin);
    this.#socket = connect({ host: hostname, port: Number(port || 80), noDelay: true })
      .setTimeout(patienceMs)
      .on("data", (bytes) => this.#receive(bytes))
      .on("drain", () => this.#resume())
      .on("timeout", () => this.close())
      .on("error", () => {})
      .on("close", () => {
        this.close();
        this.#end(this.#isUploading ? "refused" : "lost");
      });
  }

  close(): void {
    this.isOpen = false;
    this.#socket.destroy();
  }

  /** Sends one request, and waits for the whole response. The characters of a text are bytes. */
  send(request: string | Upload): Promise<Outcome> {
    this.#head = "";
    this.#remaining = undefined;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#resolve = resolve;
    if (typeof request !== "string") return this.#upload(request, promise);
    this.#socket.write(request, "latin1");
    return promise;
  }

  async #upload({ parts, leaves }: Upload, outcome: Promise<Outcome>): Promise<Outcome> {
    this.#isUploading = true;
    for await (const part of parts) {
      if (this.#resolve === undefined) return outcome;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resume = resolve;
      if (!this.#socket.write(part)) await promise;
    }
    this.#isUploading = false;
    if (!leaves) return outcome;
    this.close();
    return { status: "left", head: "" };
  }

  #end(status: string): void {
    if (this.#isUploading) this.close();
    this.#resolve?.({ status, head: this.#head });
    this.#resolve = undefined;
    this.#resume();
  }

  #receive(bytes: Buffer): void {
    let received = bytes.length;
    if (this.#remaining === undefined) {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      received = this.#head.length - end - 4;
      this.#head = this.#head.slice(0, end + 2);
      this.#remaining = Number(headerOf(this.#head, "content-length"));
    }
    this.#remaining -= received;
    if (this.#remaining > 0) return;
    // Without a length, nobody knows where the response ends.
    const isLost = Number.isNaN(this.#remaining);
    if (isLost || headerOf(this.#head, "connection") === "close") this.close();
    this.#end(isLost ? "lost" : this.#head.slice(9, 12));
  }
}
