/**
 * Where a value is: `["body", "houses", 3, "Latitude"]`. A key that came with the request can be as
 * long as a body, so it is kept as JSON in UTF-8 bytes.
 */
export type Location = readonly (string | number | Uint8Array)[];

/** One entry of a 422 response, as pydantic v2 writes it. */
export interface Detail {
  readonly type: string;
  readonly loc: Location;
  readonly msg: string;
  /** The invalid value as sent, as JSON; left out of the response if absent. */
  readonly input?: string | undefined;
  /** JSON. */
  readonly ctx?: string | undefined;
}

/** An `input` whose JSON is longer is left out of the response. */
export const maxInputBytes = 4096;

/** An error body names this many faults at most, however many the request has. */
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

/** The JSON of an error body, in UTF-8. */
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
  // Not `Buffer.concat`: its result may share memory with others, and could not be transferred.
  const body = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

/** A request that gets an error response. Thrown anywhere below a route, answered in one place. */
export class Refusal extends Error {
  readonly status: number;
  /** The response's body: JSON. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(`refused with ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** An error response that says no more than a phrase. */
export function refusal(
  status: number,
  phrase: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(status, JSON.stringify({ detail: phrase }), headers);
}

/** A 422 that names the faults, {@link maxDetails} at most. */
export function invalid(details: readonly Detail[]): Refusal {
  return new Refusal(422, writeDetails(details));
}
