import type { z } from "zod";
import type { JsonValue } from "./json-reader.ts";
import { type Detail, type Location, maxDetails, Refusal } from "./refusal.ts";

type Issue = z.core.$ZodIssue;

/** What stands at the path, `undefined` where nothing does. */
function valueAt(root: JsonValue, path: readonly PropertyKey[]): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const key of path) {
    if (!(value instanceof Map)) return undefined;
    value = value.get(String(key));
  }
  return value;
}

/** `seen` is what zod saw after coercion: a number that it refuses is an infinity or a NaN. */
function notANumber(loc: Location, input: JsonValue, seen: unknown): Detail {
  const msg = "Input should be a valid number";
  if (typeof seen === "number") {
    return { type: "finite_number", loc, msg: "Input should be a finite number", input };
  }
  if (typeof seen !== "string") return { type: "float_type", loc, msg, input };
  const unparsable = `${msg}, unable to parse string as a number`;
  return { type: "float_parsing", loc, msg: unparsable, input };
}

function wrongType(issue: z.core.$ZodIssueInvalidType, loc: Location, input: JsonValue): Detail {
  switch (issue.expected) {
    case "object":
      return notAnObject(loc, input);
    case "array":
      return { type: "list_type", loc, msg: "Input should be a valid list", input };
    default:
      return notANumber(loc, input, issue.input);
  }
}

function tooLong(loc: Location, input: JsonValue, max: number): Detail {
  const actual = Array.isArray(input) ? input.length : 0;
  const msg = `List should have at most ${max} items after validation, not ${actual}`;
  const ctx = new Map<string, JsonValue>([
    ["field_type", "List"],
    ["max_length", BigInt(max)],
    ["actual_length", BigInt(actual)],
  ]);
  return { type: "too_long", loc, msg, ctx };
}

function* unknownFields(keys: readonly string[], loc: Location, at: JsonValue): Generator<Detail> {
  const unknown = new Set(keys);
  const msg = "Extra inputs are not permitted";
  for (const [key, input] of at instanceof Map ? at : []) {
    if (unknown.has(key)) yield { type: "extra_forbidden", loc: [...loc, key], msg, input };
  }
}

/** The field is absent; `input` is the whole object that it is absent from. */
export function missing(loc: Location, input: JsonValue): Detail {
  return { type: "missing", loc, msg: "Field required", input };
}

/** What should be an object is something else. */
export function notAnObject(loc: Location, input: JsonValue): Detail {
  const msg = "Input should be a valid dictionary or object to extract fields from";
  return { type: "model_attributes_type", loc, msg, input };
}

/**
 * Puts zod's issues into pydantic's words.
 *
 * @param issues of a parse with `reportInput`
 * @param root the value as sent, which the issues' paths start from
 * @param loc where that value stands in the request
 */
export function* explainIssues(
  issues: readonly Issue[],
  root: JsonValue,
  loc: Location,
): Generator<Detail> {
  for (const issue of issues) {
    const at: Location = [...loc, ...issue.path.map(String)];
    const input = valueAt(root, issue.path);
    if (input === undefined) {
      yield missing(at, valueAt(root, issue.path.slice(0, -1)) ?? null);
    } else if (issue.code === "unrecognized_keys") {
      yield* unknownFields(issue.keys, at, input);
    } else if (issue.code === "too_small") {
      const gt = Number(issue.minimum);
      const msg = `Input should be greater than ${gt}`;
      yield { type: "greater_than", loc: at, msg, input, ctx: new Map([["gt", gt]]) };
    } else if (issue.code === "too_big") {
      yield tooLong(at, input, Number(issue.maximum));
    } else if (issue.code === "invalid_type") {
      yield wrongType(issue, at, input);
    } else {
      throw new Error(`no pydantic counterpart of zod's ${issue.code}`);
    }
  }
}

/** @throws {Refusal} 422 naming the first thousand details, where there are any */
export function refuseIfAny(details: Iterable<Detail>): void {
  const named = Iterator.from(details).take(maxDetails).toArray();
  if (named.length > 0) throw new Refusal(422, named);
}
