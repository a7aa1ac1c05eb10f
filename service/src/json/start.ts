import { isUtf8 } from "node:buffer";
import { skipSpace } from "./bytes.ts";
import { checkSyntax } from "./syntax.ts";

/** The JSON is not valid UTF-8. */
export class JsonEncodingError extends Error {}

const byteOrderMark = Buffer.from("\ufeff");

/**
 * Checks that a body is JSON in UTF-8. Skips a byte-order mark.
 *
 * @returns the index of the value's first byte
 * @throws {JsonEncodingError}
 * @throws {JsonSyntaxError}
 * @throws {JsonLimitError} if a limit of Python's parser is exceeded
 */
export function checkJson(body: Buffer): number {
  if (!isUtf8(body)) throw new JsonEncodingError("not valid UTF-8");
  const hasMark = body.subarray(0, byteOrderMark.length).equals(byteOrderMark);
  const start = hasMark ? byteOrderMark.length : 0;
  checkSyntax(body, start);
  return skipSpace(body, start);
}
