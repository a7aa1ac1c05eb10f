import type { RejectionReason } from "../telemetry/metric-table.ts";

/**
 * The path to a value: `["body", "wines", 3, "alcohol"]`. A key from the request can be as long
 * as a body, so it is stored as JSON in UTF-8 bytes.
 */
export type Location = readonly (string | number | Uint8Array)[];

/** One entry of a 422 response, as pydantic v2 writes it. */
export interface Detail {
  readonly type: string;
  readonly loc: Location;
  readonly msg: string;
  /** The JSON of the invalid value as sent. If undefined, it is left out of the response. */
  readonly input?: string | undefined;
  /** JSON. */
  readonly ctx?: string | undefined;
}

/** A longer `input` is left out of the response. */
export const maxInputBytes = 4096;

/** The maximum number of faults in an error response. */
export const maxDetails = 1000;

function writeLocation(loc: Location): (string | Uint8Array)[] {
  return loc.flatMap((part, index) => [
    index === 0 ? "[" : ",",
    part instanceof Uint8Array ? part : JSON.stringify(part),
  ]);
}

function writeDetail({ type, loc, msg, input, ctx }: Detail): (string | Uint8Array)[] {
  const rest = [`],"msg":${JSON.stringify(msg)}`];
  if (input !== undefined) rest.push(`,"input":${input}`);
  if (ctx !== undefined) rest.push(`,"ctx":${ctx}`);
  return [`{"type":"${type}","loc":`, ...writeLocation(loc), ...rest, "}"];
}

/** Writes the body of an error response as JSON, in UTF-8. */
function writeDetails(details: readonly Detail[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let text = '{"detail":[';
  for (const [index, detail] of details.entries()) {
    if (index > 0) text += ",";
    for (const part of writeDetail(detail)) {
      if (typeof part === "string") text += part;
      else {
        pieces.push(Buffer.from(text), part);
        text = "";
      }
    }
  }
  pieces.push(Buffer.from(`${text}]}`));
  // Not `Buffer.concat`: its result may share memory with other buffers, so it can't be
  // transferred.
  const body = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

/** An error response. */
export interface RefusalParts {
  readonly status: number;
  /** A short text for people. */
  readonly text: string;
  /** The body of the response, as JSON. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Present if the request exceeds a limit. */
  readonly reason?: RejectionReason | undefined;
}

/** Thrown to send an error response. Caught in one place for all routes. */
export class Refusal extends Error implements RefusalParts {
  readonly status: number;
  readonly text: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: RejectionReason | undefined;

  constructor({ status, text, body, headers = {}, reason }: RefusalParts) {
    super(`refused with ${status}`);
    this.status = status;
    this.text = text;
    this.body = body;
    this.headers = headers;
    this.reason = reason;
  }
}

/** Creates an error response with a short text. */
export function refusal(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
  reason?: RejectionReason,
): Refusal {
  return new Refusal({ status, text, body: JSON.stringify({ detail: text }), headers, reason });
}

/** Creates a 422 response that lists at most {@link maxDetails} faults. */
export function invalid(details: readonly Detail[]): Refusal {
  return new Refusal({ status: 422, text: "Invalid request", body: writeDetails(details) });
}
