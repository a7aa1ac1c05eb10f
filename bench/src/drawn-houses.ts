import { readFileSync } from "node:fs";
import path from "node:path";
import { type FeatureFacts, modelCardSchema } from "../../model/src/model-card.ts";
import { CARD_FILE, MODEL_FOLDER } from "../../model/src/model-files.ts";
import { Mt19937 } from "../../model/src/mt19937.ts";

/** Decimals of the data set's values; the others are quotients, as long as a number can be. */
const decimals: Readonly<Record<string, number>> = {
  MedInc: 4,
  HouseAge: 0,
  Population: 0,
  Latitude: 2,
  Longitude: 2,
};

/** A function from shares, 0 to 1, to the value below which about that share of a feature's lies. */
function valuesOf({ minimum, maximum, quantiles }: FeatureFacts): (share: number) => number {
  const quantileValues = Object.entries(quantiles).map(([below, value]) => ({
    below: Number(below),
    value,
  }));
  const known = [...quantileValues, { below: 1, value: maximum }];
  return (share) => {
    let lower = { below: 0, value: minimum };
    for (const upper of known) {
      if (share < upper.below) {
        const part = (share - lower.below) / (upper.below - lower.below);
        return lower.value + part * (upper.value - lower.value);
      }
      lower = upper;
    }
    return maximum;
  };
}

function rounded(value: number, digits: number | undefined): number {
  return digits === undefined ? value : Number(value.toFixed(digits));
}

/**
 * Houses of which every feature is drawn from its distribution in the data set: what is regular, a
 * processor foresees on its way through the trees, and it would cost half as much as the houses of
 * the data set do.
 *
 * @param seed the same one gives the same houses
 */
export function drawHouses(count: number, seed: number): readonly Record<string, number>[] {
  const card = readFileSync(path.join(MODEL_FOLDER, CARD_FILE), "utf8");
  const features = modelCardSchema
    .parse(JSON.parse(card))
    .features.map((facts) => ({ name: facts.name, valueAt: valuesOf(facts) }));
  const random = new Mt19937(seed);
  return Array.from({ length: count }, () =>
    Object.fromEntries(
      features.map(({ name, valueAt }) => {
        const share = random.nextUint32() / 2 ** 32;
        return [name, rounded(valueAt(share), decimals[name])];
      }),
    ),
  );
}
