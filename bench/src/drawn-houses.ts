import { readFileSync } from "node:fs";
import path from "node:path";
import { type FeatureFacts, modelCardSchema } from "../../model/src/model-card.ts";
import { CARD_FILE, MODEL_FOLDER } from "../../model/src/model-files.ts";
import { Mt19937 } from "../../model/src/mt19937.ts";
import { Bodies } from "./houses.ts";

/** Decimals of the data set's values; the others are quotients, as long as a number can be. */
const decimals: Readonly<Record<string, number>> = {
  MedInc: 4,
  HouseAge: 0,
  Population: 0,
  Latitude: 2,
  Longitude: 2,
};

/** Where {@link Bodies} puts its count. */
const mark = "#";

/** The value below which the given share of a feature's values lies, about. */
function valueAt(share: number, { minimum, maximum, quantiles }: FeatureFacts): number {
  const known = Object.entries(quantiles).map(([below, value]) => ({
    below: Number(below),
    value,
  }));
  let lower = { below: 0, value: minimum };
  for (const upper of [...known, { below: 1, value: maximum }]) {
    if (share < upper.below) {
      const part = (share - lower.below) / (upper.below - lower.below);
      return lower.value + part * (upper.value - lower.value);
    }
    lower = upper;
  }
  return maximum;
}

function drawPair(feature: FeatureFacts, random: Mt19937): string {
  const value = valueAt(random.nextUint32() / 2 ** 32, feature);
  const digits = decimals[feature.name];
  return `"${feature.name}":${digits === undefined ? value : Number(value.toFixed(digits))}`;
}

/**
 * Bodies of `/bulk_predict` with so many houses, each a miss. Every feature is drawn from its
 * distribution in the data set: what is regular, a processor foresees on its way through the trees,
 * and it would cost half as much as the houses of the data set do.
 */
export function drawnLists(houses: number): Bodies {
  const card = readFileSync(path.join(MODEL_FOLDER, CARD_FILE), "utf8");
  const { features } = modelCardSchema.parse(JSON.parse(card));
  const random = new Mt19937(houses);
  const list = Array.from(
    { length: houses },
    () => `{${features.map((feature) => drawPair(feature, random)).join(",")}}`,
  );
  const template = `{"houses":[${list.join(",")}]}`;
  return new Bodies([template.replace(/(?<="Population":)\d+/, mark)]);
}
