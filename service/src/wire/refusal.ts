import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { JsonObject, JsonValue } from "./json-reader.ts";
import { writeJson } from "./json-writer.ts";

/** Where the value stands: `["body", "houses", 3, "Latitude"]`. */
export type Location = readonly (string | number)[];

/** One entry of a 422 answer, as pydantic v2 writes it. `input` is the offending value as sent. */
export interface Detail {
  readonly type: string;
  readonly loc: Location;
  readonly msg: string;
  /** Left out of the answer where absent, and where its JSON is over 4 KiB. */
  readonly input?: JsonValue;
  readonly ctx?: JsonObject;
}

/** An `input` whose JSON is longer is left out of the answer. */
export const maxInputBytes = 4096;

/** An error body names at most so many faults, however many the request has. */
export const maxDetails = 1000;

function writeDetail({ type, loc, msg, input, ctx }: Detail): string {
  const json = input === undefined ? undefined : writeJson(input, maxInputBytes);
  const members = [`"type":${JSON.stringify(type)},"loc":${JSON.stringify(loc)}`];
  members.push(`"msg":${JSON.stringify(msg)}`);
  if (json !== undefined) members.push(`"input":${json}`);
  if (ctx !== undefined) members.push(`"ctx":${writeJson(ctx, Number.POSITIVE_INFINITY)}`);
  return `{${members.join(",")}}`;
}

/** A request that gets an error answer. Thrown anywhere below a route, answered in one place. */
export class Refusal extends Error {
  readonly status: ContentfulStatusCode;
  /** The answer's body: JSON with the one member `detail`. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    detail: string | readonly Detail[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    const json =
      typeof detail === "string"
        ? JSON.stringify(detail)
        : `[${detail.map(writeDetail).join(",")}]`;
    super(`refused with ${status}`);
    this.status = status;
    this.body = `{"detail":${json}}`;
    this.headers = headers;
  }
}
