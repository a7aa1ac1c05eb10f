import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import {
  createGunzip,
  createInflate,
  deflate as deflateCallback,
  gzip as gzipCallback,
} from "node:zlib";
import { receiveBody, tooLarge, unsupportedEncoding } from "./body.ts";
import { refusal } from "./refusal.ts";
import { SentBody } from "./sent-body.ts";
import type { AdmitChunk, SentRequest } from "./sent-request.ts";

const outputBytes = 64 * 1024;
const decoders = { gzip: createGunzip, deflate: createInflate };
const encoders = { gzip: promisify(gzipCallback), deflate: promisify(deflateCallback) };

type Encoding = keyof typeof encoders;

const isEncoding = (name: string): name is Encoding => name in encoders;

/** The codings of a header, in lower case and without `x-`, which has no meaning (RFC 9110, 8.4.1). */
function codingsOf(header: string): readonly string[] {
  const names = header.toLowerCase().split(",");
  return names.map((name) => name.trim().replace(/^x-/, "")).filter((name) => name !== "");
}

/** @throws {Refusal} 415 for several or unknown encodings */
function encodingOf(request: SentRequest): Encoding | undefined {
  const codings = codingsOf(request.header("content-encoding") ?? "");
  const [only, ...others] = codings.filter((name) => name !== "identity");
  if (only === undefined) return undefined;
  if (others.length > 0 || !isEncoding(only)) throw unsupportedEncoding();
  return only;
}

/** Decodes a body outside of the event loop. Each chunk is counted before it is kept. */
async function decode(sent: SentBody, encoding: Encoding, admit: AdmitChunk): Promise<SentBody> {
  const blocks = sent.isSmall ? [sent.bytes()] : sent.take();
  const body = new SentBody();
  try {
    await pipeline(
      Readable.from(blocks),
      decoders[encoding]({ chunkSize: outputBytes }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          admit(chunk.length);
          body.add(chunk);
        }
      },
    );
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    throw refusal(400, `the body is not valid ${encoding}: ${error.message}`);
  }
  return body;
}

/**
 * Receives a body as a whole, and decodes gzip and deflate.
 *
 * @param maxBytes the maximum length, before and after decoding
 * @param admission called with the length of each chunk, before and after decoding; what it throws
 *   is passed on
 * @throws {Refusal} 413 if the body is longer; 415 if its encoding is not supported; 400 if it is
 *   not valid
 */
export async function receiveDecoded(
  request: SentRequest,
  maxBytes: number,
  admission: { takeBytes: AdmitChunk },
): Promise<SentBody> {
  const encoding = encodingOf(request);
  const sent = await receiveBody(request, maxBytes, admission);
  if (encoding === undefined) return sent;
  let decoded = 0;
  return decode(sent, encoding, (bytes) => {
    decoded += bytes;
    if (decoded > maxBytes) throw tooLarge();
    admission.takeBytes(bytes);
  });
}

/** Shorter responses are not encoded, since they fit into one packet. */
const minEncodedBytes = 1024;

/** A coding in `Accept-Encoding` that the client refuses. */
const refused = /;\s*q=0(?:\.0*)?\s*$/;

/** Returns the encoding that a client accepts, in our order of preference. */
function acceptedBy(request: SentRequest): Encoding | undefined {
  const accepted = codingsOf(request.header("accept-encoding") ?? "")
    .filter((coding) => !refused.test(coding))
    .map((coding) => coding.replace(/\s*;.*/, ""));
  return (["gzip", "deflate"] as const).find((name) => accepted.includes(name));
}

/**
 * Encodes a response if the client asks for it and it is long enough, outside of the event loop.
 *
 * @returns the body and its headers
 */
export async function encodeFor(request: SentRequest, body: string | Uint8Array<ArrayBuffer>) {
  const headers = { Vary: "Accept-Encoding" };
  const encoding = body.length < minEncodedBytes ? undefined : acceptedBy(request);
  if (encoding === undefined) return { body, headers };
  const encoded = await encoders[encoding](body);
  return { body: new Uint8Array(encoded), headers: { ...headers, "Content-Encoding": encoding } };
}
