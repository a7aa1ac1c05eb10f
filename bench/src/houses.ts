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
export type House = Readonly<Record<string, number>>;

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
