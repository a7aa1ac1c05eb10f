import { missing, notAnObject } from "./faults.ts";
import { invalid, maxInputBytes, type Refusal, refusal } from "./refusal.ts";
import type { SentBody } from "./sent-body.ts";
import type { AdmitChunk, SentRequest } from "./sent-request.ts";

const jsonMediaType = /^\s*application\/(?:[^\s;/]*\+)?json\s*(?:;|$)/i;
/** A list that is empty or contains only `identity` (RFC 9110, 8.4). */
const encodings = /^[\s,]*(?:identity\s*(?:,[\s,]*|$))*$/i;
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Creates the response to a body that is too large to accept or to read. */
export function tooLarge(): Refusal {
  return refusal(413, "Content Too Large", {}, "body_too_long");
}

/** Creates the response to a body in an encoding that is not supported. */
export function unsupportedEncoding(): Refusal {
  return refusal(415, "Unsupported Media Type");
}

/**
 * Whether the body is JSON: `application/json` or `application/*+json` in any case, with any
 * parameters. Without a content type it is not.
 */
function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && jsonMediaType.test(contentType);
}

/** Returns the body as a JSON string; `undefined` if it is too long for an error response. */
function textInput(body: SentBody): string | undefined {
  if (body.length > maxInputBytes) return undefined;
  const json = JSON.stringify(lenientUtf8.decode(body.bytes()));
  return Buffer.byteLength(json) > maxInputBytes ? undefined : json;
}

/**
 * Receives a body. Not asynchronous, since it would cost small bodies another promise.
 *
 * @param admit called with the length of each chunk and the length so far; its errors are passed on
 * @throws {Refusal} 413 if the body is longer than `maxBytes`, before it is received if its length
 *   is declared
 */
function receive(
  request: SentRequest,
  maxBytes: number,
  admit: (bytes: number, received: number) => void,
): Promise<SentBody> {
  if (Number(request.header("content-length") ?? 0) > maxBytes) throw tooLarge();
  let received = 0;
  return request.body((bytes) => {
    received += bytes;
    if (received > maxBytes) throw tooLarge();
    admit(bytes, received);
  });
}

/**
 * Receives a whole body of any type.
 *
 * @param admission called with the length of each chunk; its errors are passed on
 * @throws {Refusal} 413 if the body is longer than `maxBytes`, before it is received if its length
 *   is declared
 */
export async function receiveBody(
  request: SentRequest,
  maxBytes: number,
  admission?: { takeBytes: AdmitChunk },
): Promise<SentBody> {
  return receive(request, maxBytes, (bytes) => admission?.takeBytes(bytes));
}

/**
 * Receives a whole JSON body.
 *
 * @param admission called with the length of each chunk; its errors are passed on
 * @throws {Refusal} 415 for an encoded body; 413 if the body is longer than `maxBytes`, before it
 *   is received if its length is declared; 422 if it is empty, or its content type is not JSON
 */
export async function readBody(
  request: SentRequest,
  maxBytes: number,
  admission: { takeBytes: AdmitChunk },
): Promise<SentBody> {
  const encoding = request.header("content-encoding");
  if (encoding !== undefined && !encodings.test(encoding)) throw unsupportedEncoding();
  const isText = !isJson(request.header("content-type"));
  const body = await receive(request, maxBytes, (bytes, received) => {
    // The response to such a body does not depend on the rest.
    if (isText && received > maxInputBytes) throw invalid([notAnObject(["body"], undefined)]);
    admission.takeBytes(bytes);
  });
  if (body.length === 0) throw invalid([missing(["body"], "null")]);
  if (isText) throw invalid([notAnObject(["body"], textInput(body))]);
  return body;
}
