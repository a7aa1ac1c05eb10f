import { z } from "zod";
import { drawHouses, type House } from "./houses.ts";

/** How a server wants houses. */
interface BodyForm {
  /** One house in the body. Commas separate them. */
  readonly text: (house: House) => string;
  /** The body with these houses. */
  readonly frame: (houses: string, count: number) => string;
}

const forms: Readonly<Record<string, BodyForm>> = {
  "/predict": { text: (house) => JSON.stringify(house), frame: (house) => house },
  "/bulk_predict": {
    text: (house) => JSON.stringify(house),
    frame: (houses) => `{"houses":[${houses}]}`,
  },
  // The Open Inference Protocol.
  "/v2/models/housing/infer": {
    text: (house) => JSON.stringify(Object.values(house)).slice(1, -1),
    frame: (rows, count) =>
      `{"inputs":[{"name":"houses","datatype":"FP32","shape":[${count},8],"data":[${rows}]}]}`,
  },
};

/** @throws if no server has this path */
function formOf(path: string): BodyForm {
  const form = forms[path];
  if (form === undefined) throw new Error(`${path} takes no houses`);
  return form;
}

const numbers = z.array(z.number());
const Answer = z.union([
  z.object({ prediction: z.number() }).transform(({ prediction }) => [prediction]),
  z.object({ predictions: numbers }).transform(({ predictions }) => predictions),
  numbers,
  z
    .object({ outputs: z.tuple([z.object({ data: numbers })]) })
    .transform(({ outputs }) => outputs[0].data),
]);

/** Returns the predictions in a response. */
export const readPredictions = (response: string): readonly number[] =>
  Answer.parse(JSON.parse(response));

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
 */
export function newBodies(path: string, houses: number, seed: number): () => string {
  const { text, frame } = formOf(path);
  const drawn = drawHouses(variety + houses - 1, seed);
  const texts = drawn.map(text);
  const pool = texts.join(",");
  const ends: number[] = [];
  for (const one of texts) ends.push((ends.at(-1) ?? -1) + 1 + one.length);
  // JSON has no NaN, so that null marks the place of the population.
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
    return frame(`${before}${population}${after}${others}`, houses);
  };
}
