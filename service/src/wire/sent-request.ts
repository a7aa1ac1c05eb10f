import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { Refusal } from "./refusal.ts";

/** What is read of a request on the prediction path. */
export interface SentRequest {
  /** @param name in lower case */
  header(name: string): string | undefined;
  /** @throws {Refusal} 413 as soon as more than `maxBytes` have come */
  body(maxBytes: number): Promise<Buffer>;
}

/** Node.js's own request, where a server took it; nothing in the test client. */
export interface NodeEnvironment {
  Bindings: Partial<HttpBindings>;
}

export function tooLarge(): Refusal {
  return new Refusal(413, "Content Too Large");
}

function cutOff(): Refusal {
  return new Refusal(400, "The body was cut off");
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [first, second] = chunks;
  return first !== undefined && second === undefined ? first : Buffer.concat(chunks);
}

function readIncoming(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) reject(tooLarge());
      else chunks.push(chunk);
    });
    incoming.on("end", () => resolve(joined(chunks)));
    incoming.on("close", () => {
      if (!incoming.complete) reject(cutOff());
    });
    if (incoming.destroyed) reject(cutOff());
  });
}

async function readStream(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * The request behind a context, read from Node.js itself where there is one, which takes less work
 * than the Fetch API does; both ways answer alike.
 */
export function sentRequest(c: Context<NodeEnvironment>): SentRequest {
  const { incoming } = c.env ?? {};
  if (incoming === undefined) {
    return {
      header: (name) => c.req.header(name),
      body: (maxBytes) => readStream(c.req.raw.body, maxBytes),
    };
  }
  return {
    header(name) {
      const value = incoming.headers[name];
      return typeof value === "object" ? value.join(", ") : value;
    },
    body: (maxBytes) => readIncoming(incoming, maxBytes),
  };
}
