import { z } from "zod";
import { drawHouses, type House } from "./houses.ts";
import { jsonType } from "./load/connection.ts";

/** How a server wants houses. */
interface BodyForm {
  /** One house in the body. */
  readonly text: (house: House) => string;
  readonly separator: string;
  /** The body with these houses. */
  readonly frame: (houses: string, count: number) => string;
  /** The header that says what the body is. */
  readonly header: string;
}

const json = { text: (house: House) => JSON.stringify(house), separator: ",", header: jsonType };
const tensor = (count: number, rest: string) =>
  `{"inputs":[{"name":"houses","datatype":"FP32","shape":[${count},8],${rest}}`;
/** The JSON before bytes is padded to this length. */
const jsonBytes = 256;

/** By the end of the path. Those of the Open Inference Protocol are `infer`. */
const forms: Readonly<Record<string, BodyForm>> = {
  predict: { ...json, frame: (house) => house },
  bulk_predict: { ...json, frame: (houses) => `{"houses":[${houses}]}` },
  infer: {
    ...json,
    text: (house) => Object.values(house).join(","),
    frame: (rows, count) => tensor(count, `"data":[${rows}]}]`),
  },
  "infer?binary": {
    text(house) {
      const { buffer } = Float32Array.from(Object.values(house));
      return Buffer.from(buffer).toString("latin1");
    },
    separator: "",
    frame(rows, count) {
      const size = `"parameters":{"binary_data_size":${rows.length}}}]`;
      const output = '"parameters":{"binary_data_output":true}';
      return tensor(count, `${size},${output}`).padEnd(jsonBytes) + rows;
    },
    header: `Inference-Header-Content-Length: ${jsonBytes}`,
  },
};

/** @throws {Error} if no server has this path */
function formOf(path: string): BodyForm {
  const form = forms[path.replace(/.*\//, "")];
  if (form === undefined) throw new Error(`${path} takes no houses`);
  return form;
}

/** Returns the header that says what the bodies for a path are. */
export const bodyHeader = (path: string): string => formOf(path).header;

const numbers = z.array(z.number());
const Outputs = z.tuple([z.object({ data: numbers }).transform(({ data }) => data)]);
const Answer = z.union([
  z.object({ prediction: z.number() }),
  z.object({ predictions: numbers }),
  z.object({ outputs: Outputs }),
  numbers,
]);

/** Returns the predictions in a response: in its JSON, or in the bytes from `binaryFrom`. */
export function readPredictions(response: ArrayBuffer, binaryFrom: string | null = null) {
  if (binaryFrom !== null) return Array.from(new Float32Array(response.slice(Number(binaryFrom))));
  return Object.values(Answer.parse(JSON.parse(Buffer.from(response).toString()))).flat(2);
}

/** The number of houses that bodies begin with. */
const variety = 16_384;
/** A prime number, so that all are used before one is used again. */
const stride = 7_919;

/**
 * Returns a function that creates a different request body on each call. All features of all houses
 * vary. The same seed gives the same houses, whatever the path. Each character is one byte.
 */
export function newBodies(path: string, houses: number, seed: number): () => string {
  const { text, separator, frame } = formOf(path);
  const drawn = drawHouses(variety + houses - 1, seed);
  const texts = drawn.map(text);
  const pool = texts.join(separator);
  let end = -separator.length;
  const ends = texts.map(({ length }) => (end += separator.length + length));
  let taken = 0;
  return () => {
    // The first house has another population each time. The others are a slice of the pool, which
    // costs the client nothing.
    const round = Math.floor(taken / variety);
    const index = (taken++ * stride) % variety;
    const Population = 1_000 + ((round + index * stride) % 9_000);
    const first = text({ ...drawn[index], Population });
    return frame(first + pool.slice(ends[index], ends[index + houses - 1]), houses);
  };
}
