import { connect, type Socket } from "node:net";

const writeBytes = 256 * 1024;
/** Longer than the service's REQUEST_TIMEOUT_MS. */
const defaultPatienceMs = 35_000;

/** The status of a response and its header block; or why there is no response. */
export type Outcome =
  | { readonly kind: "answered"; readonly status: number; readonly head: string }
  /** The server closed the connection before the request was complete. */
  | { readonly kind: "refused" }
  /** The request was complete, and no complete response came. */
  | { readonly kind: "lost" };

/** The head of a request. Without a length, the body is sent in HTTP chunks. */
export function requestHead(path: string, length?: number, contentType = "application/json") {
  const method = path === "/health" ? "GET" : "POST";
  const framing = length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${contentType}\r\n${framing}\r\n\r\n`,
  );
}

/**
 * A connection with one request in flight at a time. It counts the bytes of responses and keeps none
 * of them, so that it costs the client little.
 */
export class Connection {
  readonly #socket: Socket;
  #isOpen = true;
  #head = "";
  #status = 0;
  /** Bytes of the response's body still to come; undefined while its head is incomplete. */
  #remaining: number | undefined;
  #isUploading = false;
  #finish: ((outcome: Outcome) => void) | undefined;
  #wake = () => {};

  /** @param patienceMs how long nothing may be sent or received before the connection is closed */
  constructor(port: number, patienceMs = defaultPatienceMs) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
      .setTimeout(patienceMs)
      .on("data", (bytes) => this.#receive(bytes))
      .on("drain", () => this.#wake())
      .on("timeout", () => this.close())
      .on("error", () => {})
      .on("close", () => this.#end({ kind: this.#isUploading ? "refused" : "lost" }));
  }

  /** Whether the connection can take another request. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  /** Sends one request and waits for its whole response. Stops sending when the response comes. */
  async request(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Outcome> {
    this.#head = "";
    this.#remaining = undefined;
    this.#isUploading = true;
    const outcome = new Promise<Outcome>((resolve) => {
      this.#finish = resolve;
    });
    await this.#upload(parts);
    return outcome;
  }

  async #upload(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    for await (const part of parts) {
      for (let at = 0; at < part.length; at += writeBytes) {
        if (this.#finish === undefined) return;
        if (this.#socket.write(part.subarray(at, at + writeBytes))) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#finish === undefined) resolve();
        });
      }
    }
    this.#isUploading = false;
  }

  #end(outcome: Outcome): void {
    if (outcome.kind !== "answered" || this.#isUploading) this.close();
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(outcome);
    this.#wake();
  }

  #receive(bytes: Buffer): void {
    let bodyBytes = bytes.length;
    if (this.#remaining === undefined) {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n") + 4;
      if (end === 3) return;
      bodyBytes = this.#head.length - end;
      this.#head = this.#head.slice(0, end).toLowerCase();
      this.#status = Number(this.#head.slice(9, 12));
      const [, length] = /\r\ncontent-length: (\d+)/.exec(this.#head) ?? [];
      this.#remaining = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
    }
    this.#remaining -= bodyBytes;
    const isLastChunk =
      this.#remaining === Number.POSITIVE_INFINITY && bytes.subarray(-5).equals(lastChunk);
    if (this.#remaining > 0 && !isLastChunk) return;
    const head = this.#head;
    if (head.includes("\r\nconnection: close")) this.close();
    this.#end({ kind: "answered", status: this.#status, head });
  }
}

const lastChunk = Buffer.from("0\r\n\r\n");
