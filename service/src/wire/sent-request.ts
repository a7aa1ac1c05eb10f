import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { type Refusal, refusal } from "./refusal.ts";
import { SentBody } from "./sent-body.ts";

/** Throws a {@link Refusal} if another chunk of a body must not be kept. */
export type AdmitChunk = (bytes: number) => void;

/** A request to a prediction route. */
export interface SentRequest {
  /** @param name in lower case */
  header(name: string): string | undefined;
  /**
   * Receives the body.
   *
   * @param admit called with the length of each chunk before it is kept; its errors are passed on
   * @throws {Refusal} 400 if the client does not send the whole body
   */
  body(admit: AdmitChunk): Promise<SentBody>;
  /**
   * Drops the received part of the body, and everything that arrives later. If the body is still
   * being received, `body` fails with 400.
   */
  discardBody(): void;
  /**
   * Calls `callback` once when the response is sent or the client has disconnected.
   *
   * @returns false if there is no connection, so `callback` is never called
   */
  onClose(callback: () => void): boolean;
  /** Disconnects the client if it reads nothing of the response for `timeoutMs`. */
  limitStall(timeoutMs: number): void;
}

/** The request and response of Node.js; absent in the test client. */
export interface NodeEnvironment {
  Bindings: Partial<HttpBindings>;
}

function cutOff(): Refusal {
  return refusal(400, "The body was cut off");
}

/**
 * The parser needs some microseconds per chunk, and a single packet can contain ten thousand chunks
 * of one byte. In a body of more chunks than this, they must have a mean length of at least
 * `minMeanChunkBytes`.
 */
const maxTinyChunks = 1_024;
const minMeanChunkBytes = 16;

function tooManyChunks(): Refusal {
  const headers = { Connection: "close" };
  return refusal(400, "The body has too many small chunks", headers, "tiny_chunks");
}

/** For shorter chunks, freeing is slower than leaving them to the garbage collector. */
const minFreedBytes = 4_096;

/**
 * Frees the memory of a chunk that is not needed. The garbage collector would let about a hundred
 * megabytes of chunks accumulate.
 */
function free({ buffer, byteLength }: Buffer<ArrayBuffer>): void {
  if (byteLength >= minFreedBytes && byteLength === buffer.byteLength) buffer.transfer(0);
}

/**
 * Drops a body that nobody has read, before an error response. Node.js would also drop it, but
 * leave its chunks to the garbage collector.
 */
export function dropUnread(c: Context<NodeEnvironment>): void {
  const { incoming } = c.env ?? {};
  if (incoming === undefined || incoming.complete || incoming.readableDidRead) return;
  incoming.on("data", free);
}

async function readStream(
  chunks: AsyncIterable<Uint8Array> | null,
  admit: AdmitChunk,
): Promise<SentBody> {
  const body = new SentBody();
  for await (const chunk of chunks ?? []) {
    admit(chunk.length);
    body.add(chunk);
  }
  return body;
}

async function readBuffered(bytes: Promise<ArrayBuffer>, admit: AdmitChunk): Promise<SentBody> {
  const body = new SentBody();
  const chunk = new Uint8Array(await bytes);
  admit(chunk.length);
  body.add(chunk);
  return body;
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

/**
 * Returns a request header. If possible, it is read from Node.js directly, since the Fetch API
 * would first copy all headers.
 *
 * @param name in lower case
 */
export function requestHeader(c: Context<NodeEnvironment>, name: string): string | undefined {
  const { incoming } = c.env ?? {};
  if (incoming === undefined) return c.req.header(name);
  const value = incoming.headers[name];
  return typeof value === "object" ? value.join(", ") : value;
}

/** Returns the query of a request, without `?`. Reading it from Node.js directly is cheaper. */
export function requestQuery(c: Context<NodeEnvironment>): string {
  const url = c.env?.incoming?.url ?? c.req.url;
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start + 1);
}

/** Returns whether the client sends the body only when it is asked for it (RFC 9110, 10.1.1). */
function awaitsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && headers.expect?.toLowerCase() === "100-continue";
}

/** A request that Node.js received. */
class IncomingRequest implements SentRequest {
  readonly #context: Context<NodeEnvironment>;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: HttpBindings["outgoing"];
  readonly #body = new SentBody();
  #chunks = 0;
  #isDiscarded = false;
  #fail: ((error: unknown) => void) | undefined;

  constructor(context: Context<NodeEnvironment>, { incoming, outgoing }: HttpBindings) {
    this.#context = context;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  header(name: string): string | undefined {
    return requestHeader(this.#context, name);
  }

  body(admit: AdmitChunk): Promise<SentBody> {
    const { req } = this.#context;
    // A middleware has already read the body.
    const isRead = this.#incoming.readableDidRead || hasMembers(req.bodyCache);
    return isRead ? readBuffered(req.arrayBuffer(), admit) : this.#receive(admit);
  }

  discardBody(): void {
    this.#isDiscarded = true;
    this.#body.clear();
    if (!this.#incoming.complete) this.#fail?.(cutOff());
  }

  onClose(callback: () => void): boolean {
    this.#outgoing.on("close", callback);
    return true;
  }

  limitStall(timeoutMs: number): void {
    this.#outgoing.setTimeout(timeoutMs);
  }

  #receive(admit: AdmitChunk): Promise<SentBody> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      const read = () => {
        this.#incoming.on("data", (chunk: Buffer<ArrayBuffer>) => this.#add(chunk, admit));
        this.#incoming.on("end", () => resolve(this.#body));
      };
      if (this.#incoming.destroyed) reject(cutOff());
      else if (awaitsContinue(this.#incoming)) this.#askForBody(read);
      else read();
    });
  }

  /**
   * Sends 100 Continue before the body is read. Before it, responses to earlier requests on the
   * connection have to be sent, because Node.js mixes it up with a response that waits for them.
   */
  #askForBody(read: () => void): void {
    const outgoing = this.#outgoing;
    const ask = () => {
      if (!outgoing.headersSent) outgoing.writeContinue();
      read();
    };
    if (outgoing.socket === null) outgoing.once("socket", ask);
    else ask();
  }

  #add(chunk: Buffer<ArrayBuffer>, admit: AdmitChunk): void {
    let isKept = false;
    try {
      // Discarded bodies are read to the end, since clients may not read a response before that.
      if (!this.#isDiscarded) {
        admit(chunk.length);
        isKept = this.#body.add(chunk);
        this.#chunks++;
        if (this.#hasTinyChunks()) {
          // The parser would continue, and need milliseconds for the rest of the packet.
          this.#outgoing.once("finish", () => this.#incoming.destroy());
          throw tooManyChunks();
        }
      }
    } catch (error) {
      this.#fail?.(error);
      this.discardBody();
    }
    if (!isKept) free(chunk);
  }

  #hasTinyChunks(): boolean {
    return this.#chunks > maxTinyChunks && this.#body.length < this.#chunks * minMeanChunkBytes;
  }
}

/**
 * Returns the request of a context. If possible, its body is read from Node.js directly, which is
 * faster than the Fetch API and gives the same result. If a middleware has read the body, Hono's
 * copy is used.
 */
export function sentRequest(c: Context<NodeEnvironment>): SentRequest {
  const { incoming, outgoing } = c.env ?? {};
  if (incoming !== undefined && outgoing !== undefined) {
    return new IncomingRequest(c, { incoming, outgoing });
  }
  return {
    header: (name) => requestHeader(c, name),
    body: (admit) =>
      hasMembers(c.req.bodyCache)
        ? readBuffered(c.req.arrayBuffer(), admit)
        : readStream(c.req.raw.body, admit),
    discardBody: () => {},
    onClose: () => false,
    limitStall: () => {},
  };
}
