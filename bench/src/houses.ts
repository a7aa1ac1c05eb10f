import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** The folder of the project. */
export const checkout: string = join(import.meta.dirname, "../..");
/** The model that the service serves by default; its card is next to it. */
export const modelFile: string = join(checkout, "model/california-housing.onnx");

const Feature = z.object({
  name: z.string(),
  minimum: z.number(),
  maximum: z.number(),
  quantiles: z.record(z.string(), z.number()),
});
const Card = z.object({ features: z.array(Feature) });
type House = Readonly<Record<string, number>>;

/** The number of decimals in the data set. The other features are quotients. */
const decimals: House = { MedInc: 4, HouseAge: 0, Population: 0, Latitude: 2, Longitude: 2 };

/** Returns the quantile function of a feature, which interpolates between the card's quantiles. */
function valuesOf({ name, minimum, maximum, quantiles }: z.infer<typeof Feature>) {
  const points = Object.entries({ "0": minimum, ...quantiles, "1": maximum })
    .map(([below, value]) => ({ below: Number(below), value }))
    .sort((one, other) => one.below - other.below);
  return (share: number): number => {
    const next = points.findIndex(({ below }) => share < below);
    const [lower, upper] = points.slice(next - 1, next + 1);
    if (lower === undefined || upper === undefined) return maximum;
    const part = (share - lower.below) / (upper.below - lower.below);
    const value = lower.value + part * (upper.value - lower.value);
    return Number(value.toFixed(decimals[name] ?? 15));
  };
}

/**
 * Draws houses whose features are distributed as in the data set. With regular houses, the trees
 * would take half the time, since the processor would predict their branches.
 */
export function drawHouses(count: number, seed: number): readonly House[] {
  const card = readFileSync(modelFile.replace(/onnx$/, "json"), "utf8");
  const { features } = Card.parse(JSON.parse(card));
  const drawn = features.map((feature) => ({ name: feature.name, valueAt: valuesOf(feature) }));
  let state = seed;
  const random = () => {
    // The linear congruential generator of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () =>
    Object.fromEntries(drawn.map(({ name, valueAt }) => [name, valueAt(random())])),
  );
}

/** The minimum number of different houses in the bodies of one kind. */
const variety = 4096;
const populations = 9_000;

/**
 * Returns a function that creates a different request body on each call.
 *
 * @param path `/predict` or `/bulk_predict`
 * @param houses the number of houses in a body
 * @param seed the same seed gives the same bodies
 */
export function newBodies(path: string, houses: number, seed: number): () => string {
  const lists = Math.ceil(variety / houses);
  const drawn = drawHouses(lists * houses, seed).map((house) => JSON.stringify(house));
  const templates = Array.from({ length: lists }, (_, index) => {
    const list = drawn.slice(index * houses, (index + 1) * houses).join(",");
    const body = path === "/predict" ? list : `{"houses":[${list}]}`;
    const [before = ""] = /^.*?"Population":/.exec(body) ?? [];
    return { before, after: body.slice(before.length).replace(/^\d+/, "") };
  });
  let taken = 0;
  return () => {
    // Each time a template is used, the first house gets a different population.
    const index = taken % lists;
    const round = Math.floor(taken++ / lists);
    if (round >= populations) throw new Error("void: the bodies would repeat");
    const { before = "", after = "" } = templates[index] ?? {};
    return `${before}${1_000 + ((round + index * 7_919) % populations)}${after}`;
  };
}
