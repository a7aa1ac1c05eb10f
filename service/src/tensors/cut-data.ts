import { ascii } from "../json/bytes.ts";
import { checkJson, JsonEncodingError } from "../json/start.ts";
import { JsonLimitError, JsonSyntaxError } from "../json/syntax.ts";
import { eachItem, eachMember, valueEnd } from "../json/value.ts";
import { keyIdentity } from "../records/members.ts";
import { refusal } from "../wire/refusal.ts";

/** The place of a value in a body. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The JSON of an inference request, without the elements of its tensors. */
export interface CutRequest {
  /** The JSON, in which each list of elements is empty. */
  readonly header: string;
  /** For each input, where its list of elements is; undefined if it has none. */
  readonly data: readonly (Span | undefined)[];
}

/**
 * Checks that a text is JSON.
 *
 * @returns the index of the value's first byte
 * @throws {Refusal} 400
 */
function startOfJson(json: Buffer): number {
  if (json.length === 0) throw refusal(400, "the JSON is empty");
  try {
    return checkJson(json);
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      throw refusal(400, `the JSON is invalid: ${error.message} at character ${error.offset}`);
    }
    if (error instanceof JsonEncodingError || error instanceof JsonLimitError) {
      throw refusal(400, `the JSON is invalid: ${error.message}`);
    }
    throw error;
  }
}

/** Writes JSON with an empty list in the place of each cut. */
function headerOf(json: Buffer, start: number, cuts: readonly Span[]): string {
  let header = "";
  let rest = start;
  for (const cut of cuts) {
    header += `${json.toString("utf8", rest, cut.start)}[]`;
    rest = cut.end;
  }
  return header + json.toString("utf8", rest);
}

/** The JSON without the elements is turned into objects, which need more memory than their text. */
const maxHeaderBytes = 1024 * 1024;

/**
 * Cuts the elements of the tensors out of a request's JSON, so that only the short rest is turned
 * into objects. If a member is repeated, the last one counts.
 *
 * @throws {Refusal} 400 if it is not JSON, or if the rest is not short
 */
export function cutData(json: Buffer): CutRequest {
  const start = startOfJson(json);
  const cuts: Span[] = [];
  let cutBytes = 0;
  let data: (Span | undefined)[] = [];

  function cutInput(input: number): number {
    const index = data.push(undefined) - 1;
    if (json[input] !== ascii.openBrace) return valueEnd(json, input);
    return eachMember(json, input, (key, keyEnd, value) => {
      const end = valueEnd(json, value);
      if (keyIdentity(json, key, keyEnd) === "data") {
        const isList = json[value] === ascii.openBracket;
        const span = { start: value, end };
        data[index] = isList ? span : undefined;
        if (isList) {
          cuts.push(span);
          cutBytes += end - value;
        }
      }
      return end;
    });
  }

  if (json[start] === ascii.openBrace) {
    eachMember(json, start, (key, keyEnd, value) => {
      const isInputs = keyIdentity(json, key, keyEnd) === "inputs";
      if (isInputs) data = [];
      const isList = isInputs && json[value] === ascii.openBracket;
      return isList ? eachItem(json, value, cutInput) : valueEnd(json, value);
    });
  }
  const bytes = json.length - cutBytes;
  if (bytes > maxHeaderBytes) {
    throw refusal(
      400,
      `the JSON has ${bytes} bytes without data; at most ${maxHeaderBytes} are allowed`,
    );
  }
  return { header: headerOf(json, start, cuts), data };
}
