import {
  JsonLimitError,
  JsonSyntaxError,
  type JsonValue,
  type ReadLimits,
  readJson,
} from "./json-reader.ts";
import { Refusal } from "./refusal.ts";
import { type SentRequest, tooLarge } from "./sent-request.ts";
import { missing, notAnObject } from "./validation.ts";

const jsonMediaType = /^\s*application\/(?:[^\s;/]*\+)?json\s*(?:;|$)/i;
/** A list with nothing in it but `identity` (RFC 9110, 8.4). */
const encodings = /^[\s,]*(?:identity\s*(?:,[\s,]*|$))*$/i;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function unreadableBody(): Refusal {
  return new Refusal(400, "There was an error parsing the body");
}

/**
 * Reads the whole body.
 *
 * @throws {Refusal} 415 where it is encoded, 413 where it is longer than `maxBytes`: at once where
 *   its length is declared, else as soon as too much has come
 */
export function readBody(request: SentRequest, maxBytes: number): Promise<Buffer> {
  if (!encodings.test(request.header("content-encoding") ?? "")) {
    throw new Refusal(415, "Unsupported Media Type");
  }
  if (Number(request.header("content-length") ?? 0) > maxBytes) throw tooLarge();
  return request.body(maxBytes);
}

/**
 * Whether the body is to be read as JSON: `application/json` and `application/*+json`, any case,
 * any parameters. Nothing else is, not even an absent content type.
 */
function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && jsonMediaType.test(contentType);
}

/** @throws {Refusal} 422 where the body is empty or not JSON by its content type */
export function requireJson(body: Uint8Array, contentType: string | undefined): void {
  if (body.length === 0) throw new Refusal(422, [missing(["body"], null)]);
  if (!isJson(contentType)) {
    throw new Refusal(422, [notAnObject(["body"], lenientUtf8.decode(body))]);
  }
}

/**
 * The text of a JSON body; a byte-order mark is skipped.
 *
 * @throws {Refusal} 400 where it is not UTF-8
 */
export function decodeJson(body: Uint8Array): string {
  try {
    return strictUtf8.decode(body);
  } catch {
    throw unreadableBody();
  }
}

/**
 * Reads JSON for a request that is to be explained.
 *
 * @param limits what the explanation may need
 * @throws {Refusal} 422 naming Python's message and offset; 400 where Python's reader gives up
 */
export function readRefusedJson(text: string, limits: ReadLimits): JsonValue {
  try {
    return readJson(text, limits);
  } catch (error) {
    if (error instanceof JsonLimitError) throw unreadableBody();
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { message, offset } = error;
    const msg = "JSON decode error";
    const loc = ["body", offset];
    const ctx = new Map([["error", message]]);
    throw new Refusal(422, [{ type: "json_invalid", loc, msg, input: new Map(), ctx }]);
  }
}
