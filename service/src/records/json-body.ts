import { checkJson, JsonEncodingError } from "../json/start.ts";
import { JsonLimitError, JsonSyntaxError } from "../json/syntax.ts";
import { malformedJson } from "../wire/faults.ts";
import { invalid, refusal } from "../wire/refusal.ts";

/**
 * Checks that a body is JSON. Skips a byte-order mark.
 *
 * @returns the index of the value's first byte
 * @throws {Refusal} 400 for invalid UTF-8, or if a limit of Python's parser is exceeded; 422 with
 *   Python's message and offset for malformed JSON
 */
export function startOfJson(body: Buffer): number {
  try {
    return checkJson(body);
  } catch (error) {
    if (error instanceof JsonEncodingError || error instanceof JsonLimitError) {
      throw refusal(400, "There was an error parsing the body");
    }
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw invalid([malformedJson(error.offset, error.message)]);
  }
}
