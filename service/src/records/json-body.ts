import { isUtf8 } from "node:buffer";
import { skipSpace } from "../json/bytes.ts";
import { checkSyntax, JsonLimitError, JsonSyntaxError } from "../json/syntax.ts";
import { malformedJson } from "../wire/faults.ts";
import { invalid, type Refusal, refusal } from "../wire/refusal.ts";

const byteOrderMark = Buffer.from("\ufeff");

function unreadable(): Refusal {
  return refusal(400, "There was an error parsing the body");
}

/**
 * Checks that a body is JSON. Skips a byte-order mark.
 *
 * @returns the index of the value's first byte
 * @throws {Refusal} 400 for invalid UTF-8, or if a limit of Python's parser is exceeded; 422 with
 *   Python's message and offset for malformed JSON
 */
export function startOfJson(body: Buffer): number {
  if (!isUtf8(body)) throw unreadable();
  const hasMark = body.subarray(0, byteOrderMark.length).equals(byteOrderMark);
  const start = hasMark ? byteOrderMark.length : 0;
  try {
    checkSyntax(body, start);
  } catch (error) {
    if (error instanceof JsonLimitError) throw unreadable();
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw invalid([malformedJson(error.offset, error.message)]);
  }
  return skipSpace(body, start);
}
