import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import type { MatchedOutput } from "../tensors/match-outputs.ts";
import type { Datatype } from "../tensors/signature.ts";

/** What a response contains in addition to the numbers. */
export interface ResponseContext {
  readonly modelName: string;
  readonly modelVersion: string;
  /** The id of the request. */
  readonly id: string | undefined;
  readonly outputs: readonly MatchedOutput[];
  /** Whether the numbers include those of intervals. */
  readonly hasIntervals: boolean;
  readonly rows: number;
}

/** Encoding this many characters takes a fraction of a millisecond. */
const charactersPerTurn = 16 * 1024;

/** JSON has no infinities and no NaN: they are `null`. */
const Numbers = z.array(z.number().nullable());

/** Writes numbers as little-endian elements of a tensor. */
function elementsOf(numbers: readonly (number | null)[], datatype: Datatype): Buffer {
  const isLong = datatype === "INT64";
  const bytes = Buffer.alloc(numbers.length * (isLong ? 8 : 4));
  let at = 0;
  for (const number of numbers) {
    if (isLong) at = bytes.writeBigInt64LE(BigInt(number ?? 0), at);
    else if (datatype === "INT32") at = bytes.writeInt32LE(number ?? 0, at);
    else at = bytes.writeFloatLE(number ?? Number.NaN, at);
  }
  return bytes;
}

/** Encodes numbers separated by commas, a long list in several turns of the event loop. */
async function bytesOf(numbers: string, datatype: Datatype): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let from = 0; from < numbers.length; ) {
    if (from > 0) await setImmediate();
    const comma = numbers.indexOf(",", from + charactersPerTurn);
    const end = comma === -1 ? numbers.length : comma;
    const some = Numbers.parse(JSON.parse(`[${numbers.slice(from, end)}]`));
    pieces.push(elementsOf(some, datatype));
    from = end + 1;
  }
  return Buffer.concat(pieces);
}

/** Separates predictions from the ends of their intervals. */
const separator = "\n";

/** Joins predictions and the ends of their intervals, each as JSON numbers with commas in between. */
export function joinNumbers(predictions: string, ends: string): string {
  return predictions + separator + ends;
}

/** Splits what {@link joinNumbers} has joined. */
function numbersOf({ isInterval }: MatchedOutput, joined: string): string {
  const end = joined.indexOf(separator);
  return isInterval ? joined.slice(end + 1) : joined.slice(0, end);
}

/**
 * Writes a response as one string, as the cache keeps it: JSON; or the length of the JSON, a line
 * feed, and JSON and bytes as latin1.
 *
 * @param numbers the predictions as JSON numbers, separated by commas; with intervals, what
 *   {@link joinNumbers} returns
 */
export async function writeResponse(context: ResponseContext, numbers: string): Promise<string> {
  const { modelName, modelVersion, id, outputs, hasIntervals, rows } = context;
  const start = {
    model_name: modelName,
    model_version: modelVersion,
    ...(id !== undefined && { id }),
  };
  let json = `${JSON.stringify(start).slice(0, -1)},"outputs":[`;
  let comma = "";
  let bytes: string | undefined;
  for (const output of outputs) {
    const { name, datatype, shape } = output.tensor;
    const tensor = JSON.stringify({ name, datatype, shape: [rows, ...shape.slice(1)] });
    const own = hasIntervals ? numbersOf(output, numbers) : numbers;
    json += comma + tensor.slice(0, -1);
    comma = ",";
    if (output.isBinary) {
      const elements = await bytesOf(own, datatype);
      json += `,"parameters":{"binary_data_size":${elements.length}}}`;
      bytes = (bytes ?? "") + elements.toString("latin1");
    } else {
      json += `,"data":[${own}]}`;
    }
  }
  json += "]}";
  if (bytes === undefined) return json;
  const header = Buffer.from(json);
  return `${header.length}\n${header.toString("latin1")}${bytes}`;
}

/** Returns the body and the headers of a response that {@link writeResponse} wrote. */
export function readResponse(written: string): {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (written.startsWith("{")) return { body: written, headers: {} };
  const lineEnd = written.indexOf("\n");
  return {
    body: Buffer.from(written.slice(lineEnd + 1), "latin1"),
    headers: {
      "Content-Type": "application/octet-stream",
      "Inference-Header-Content-Length": written.slice(0, lineEnd),
    },
  };
}
