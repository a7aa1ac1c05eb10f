import { z } from "zod";
import { drawHouses, type House } from "./houses.ts";
import { jsonType } from "./load/connection.ts";

/** How a server wants houses. */
interface BodyForm {
  /** One house in the body. */
  readonly text: (house: House) => string;
  /** One number in it; by default as in JSON. NaN is `null`. */
  readonly number?: (value: number) => string;
  readonly separator?: string;
  /** The body with these houses. */
  readonly frame: (houses: string, count: number) => string;
  /** The header that says what the body is; by default JSON. */
  readonly header?: string;
}

const object = (house: House) => JSON.stringify(house);
/** Returns the bytes of a float32 as latin1. */
const float = (value: number) =>
  Number.isNaN(value) ? "null" : Buffer.from(Float32Array.of(value).buffer).toString("latin1");
const inference = (count: number, rest: string) =>
  `{"inputs":[{"name":"houses","datatype":"FP32","shape":[${count},8],${rest}}`;
/** The JSON before bytes is padded to this length. */
const jsonBytes = 256;

/** By the end of the path. Those of the Open Inference Protocol are `infer`. */
const forms: Readonly<Record<string, BodyForm>> = {
  predict: { text: object, frame: (house) => house },
  bulk_predict: { text: object, frame: (houses) => `{"houses":[${houses}]}` },
  infer: {
    text: (house) => JSON.stringify(Object.values(house)).slice(1, -1),
    frame: (rows, count) => inference(count, `"data":[${rows}]}]`),
  },
  "infer?binary": {
    ...{ text: (house) => Object.values(house).map(float).join(""), number: float, separator: "" },
    frame(rows, count) {
      const wanted = `"parameters":{"binary_data_size":${rows.length}}}],"parameters":{"binary_data_output":true}`;
      return inference(count, wanted).padEnd(jsonBytes) + rows;
    },
    header: `Inference-Header-Content-Length: ${jsonBytes}`,
  },
};

/** @throws if no server has this path */
function formOf(path: string): BodyForm {
  const form = forms[path.replace(/.*\//, "")];
  if (form === undefined) throw new Error(`${path} takes no houses`);
  return form;
}

/** Returns the header that says what the bodies for a path are. */
export const bodyHeader = (path: string): string => formOf(path).header ?? jsonType;

const numbers = z.array(z.number());
const Answer = z.union([
  z.object({ prediction: z.number() }).transform(({ prediction }) => [prediction]),
  z.object({ predictions: numbers }).transform(({ predictions }) => predictions),
  numbers,
  z
    .object({ outputs: z.tuple([z.object({ data: numbers })]) })
    .transform(({ outputs }) => outputs[0].data),
]);

/**
 * Returns the predictions in a response.
 *
 * @param binaryFrom where its bytes begin; undefined if it is JSON
 */
export const readPredictions = (response: ArrayBuffer, binaryFrom?: string | null) =>
  binaryFrom
    ? Array.from(new Float32Array(response.slice(Number(binaryFrom))))
    : Answer.parse(JSON.parse(Buffer.from(response).toString()));

/** The number of houses that bodies begin with. */
const variety = 16_384;
const populations = 9_000;
/** A prime number, so that all are used before one is used again. */
const stride = 7_919;

/**
 * Returns a function that creates a different request body on each call. All features of all houses
 * vary.
 *
 * @param houses the number of houses in a body
 * @param seed the same seed gives the same houses, whatever the path
 * @returns each character is one byte
 */
export function newBodies(path: string, houses: number, seed: number): () => string {
  const { text, number = JSON.stringify, separator = ",", frame } = formOf(path);
  const drawn = drawHouses(variety + houses - 1, seed);
  const texts = drawn.map(text);
  const pool = texts.join(separator);
  const ends: number[] = [];
  const gap = separator.length;
  for (const { length } of texts) ends.push((ends.at(-1) ?? -gap) + gap + length);
  // There is no NaN, so that null marks the place of the population.
  const firsts = drawn
    .slice(0, variety)
    .map((one) => text({ ...one, Population: Number.NaN }).split("null"));
  let taken = 0;
  return () => {
    // The first house has another population each time. The others are a slice of the pool, which
    // costs the client nothing.
    const round = Math.floor(taken / variety);
    const index = (taken++ * stride) % variety;
    const [before, after] = firsts[index] ?? [];
    const population = 1_000 + ((round + index * stride) % populations);
    const others = pool.slice(ends[index], ends[index + houses - 1]);
    return frame(`${before}${number(population)}${after}${others}`, houses);
  };
}
