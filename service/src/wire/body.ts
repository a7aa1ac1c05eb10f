import { missing, notAnObject } from "./faults.ts";
import { invalid, maxInputBytes, type Refusal, refusal } from "./refusal.ts";
import type { SentBody } from "./sent-body.ts";
import type { AdmitChunk, SentRequest } from "./sent-request.ts";

const jsonMediaType = /^\s*application\/(?:[^\s;/]*\+)?json\s*(?:;|$)/i;
/** A list with nothing in it but `identity` (RFC 9110, 8.4). */
const encodings = /^[\s,]*(?:identity\s*(?:,[\s,]*|$))*$/i;
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The body is larger than the service takes, or than it can read. */
export function tooLarge(): Refusal {
  return refusal(413, "Content Too Large");
}

/**
 * Receives the whole body.
 *
 * @param admit is called with the length of each chunk
 * @throws {Refusal} 415 for an encoded body; 413 if it is longer than `maxBytes`, at once if its
 *   length is declared, else as soon as too much has come; what `admit` throws
 */
export function readBody(
  request: SentRequest,
  maxBytes: number,
  admit: AdmitChunk,
): Promise<SentBody> {
  if (!encodings.test(request.header("content-encoding") ?? "")) {
    throw refusal(415, "Unsupported Media Type");
  }
  if (Number(request.header("content-length") ?? 0) > maxBytes) throw tooLarge();
  let received = 0;
  return request.body((bytes) => {
    received += bytes;
    if (received > maxBytes) throw tooLarge();
    admit(bytes);
  });
}

/**
 * Whether the body is to be read as JSON: `application/json` and `application/*+json`, any case,
 * any parameters. Nothing else is, not even an absent content type.
 */
function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && jsonMediaType.test(contentType);
}

/** The JSON of a text; its bytes take at least as many bytes in JSON. */
function textInput(body: SentBody): string | undefined {
  if (body.length > maxInputBytes) return undefined;
  const json = JSON.stringify(lenientUtf8.decode(body.bytes()));
  return Buffer.byteLength(json) > maxInputBytes ? undefined : json;
}

/** @throws {Refusal} 422 if the body is empty, or not JSON by its content type */
export function requireJson(body: SentBody, contentType: string | undefined): void {
  if (body.length === 0) throw invalid([missing(["body"], "null")]);
  if (!isJson(contentType)) throw invalid([notAnObject(["body"], textInput(body))]);
}
