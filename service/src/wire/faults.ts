import { echo } from "../json/echo.ts";
import { type Detail, type Location, maxInputBytes } from "./refusal.ts";

// The entries of a 422 response that do not depend on a feature, with pydantic's messages.

/** Returns the JSON of a value in the body; `undefined` if it is too long for an error response. */
export function inputAt(body: Buffer, at: number): string | undefined {
  return echo(body, at, maxInputBytes);
}

/**
 * A required field is absent.
 *
 * @param input the JSON of the object without the field
 */
export function missing(loc: Location, input: string | undefined): Detail {
  return { type: "missing", loc, msg: "Field required", input };
}

/** A value is not an object. */
export function notAnObject(loc: Location, input: string | undefined): Detail {
  const msg = "Input should be a valid dictionary or object to extract fields from";
  return { type: "model_attributes_type", loc, msg, input };
}

/** A value is not a list. */
export function notAList(loc: Location, input: string | undefined): Detail {
  return { type: "list_type", loc, msg: "Input should be a valid list", input };
}

/** A list has too many items. */
export function tooLong(loc: Location, max: number, actual: number): Detail {
  const msg = `List should have at most ${max} items after validation, not ${actual}`;
  const ctx = `{"field_type":"List","max_length":${max},"actual_length":${actual}}`;
  return { type: "too_long", loc, msg, ctx };
}

/** A field is not in the schema. */
export function unknownField(loc: Location, input: string | undefined): Detail {
  return { type: "extra_forbidden", loc, msg: "Extra inputs are not permitted", input };
}

/**
 * The JSON is malformed.
 *
 * @param offset the number of code points before the error
 * @param error Python's message
 */
export function malformedJson(offset: number, error: string): Detail {
  const ctx = `{"error":${JSON.stringify(error)}}`;
  return {
    type: "json_invalid",
    loc: ["body", offset],
    msg: "JSON decode error",
    input: "{}",
    ctx,
  };
}
