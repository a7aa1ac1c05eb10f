import type { Samples } from "./columns.ts";
import { houseFeatures } from "./house-features.ts";
import type { Coverage } from "./model-card.ts";

/** The levels for which coverage is measured. */
const levels = [0.8, 0.9, 0.95] as const;

/** A group of houses. */
interface Group {
  readonly name: string;
  readonly has: (house: { value: number; latitude: number; longitude: number }) => boolean;
}

/** House values in 100,000 USD. The data caps them at 5.00001. */
const priceBands: readonly Group[] = [
  { name: "below 1", has: ({ value }) => value < 1 },
  { name: "1 to 2", has: ({ value }) => value >= 1 && value < 2 },
  { name: "2 to 3", has: ({ value }) => value >= 2 && value < 3 },
  { name: "3 to 5", has: ({ value }) => value >= 3 && value <= 5 },
  { name: "capped", has: ({ value }) => value > 5 },
];

const regions: readonly Group[] = [
  { name: "San Francisco Bay Area", has: isBayArea },
  { name: "Greater Los Angeles", has: isLosAngeles },
  { name: "rest of the south", has: (house) => house.latitude < 36 && !isLosAngeles(house) },
  { name: "rest of the north", has: (house) => house.latitude >= 36 && !isBayArea(house) },
];

type Place = Parameters<Group["has"]>[0];

function isBayArea({ latitude, longitude }: Place): boolean {
  return latitude >= 36.9 && latitude <= 38.6 && longitude <= -121.4;
}

function isLosAngeles({ latitude, longitude }: Place): boolean {
  return latitude >= 33.4 && latitude <= 34.9 && longitude >= -119.3 && longitude <= -116.9;
}

/**
 * Measures which share of intervals contains the true value: of all houses, and by price band and
 * region.
 *
 * @param houses rows of the model's input
 * @param reachOf returns half of the width of a row's interval for a level
 */
export function measureCoverage(
  houses: Samples,
  predictions: Float32Array,
  reachOf: (row: number, level: number) => number,
): readonly Coverage[] {
  const column = (name: string) =>
    houses.columns[houseFeatures.findIndex((feature) => feature.name === name)];
  const [latitudes, longitudes] = [column("Latitude"), column("Longitude")];
  const everyone: Group = { name: "all", has: () => true };
  return [everyone, ...priceBands, ...regions].map(({ name, has }) => {
    const rows = Array.from(houses.targets.keys()).filter((row) =>
      has({
        value: houses.targets[row] ?? 0,
        latitude: latitudes?.[row] ?? 0,
        longitude: longitudes?.[row] ?? 0,
      }),
    );
    const share = (level: number) => {
      const covered = rows.filter((row) => {
        const error = Math.abs((predictions[row] ?? 0) - (houses.targets[row] ?? 0));
        return error <= reachOf(row, level);
      });
      return rows.length === 0 ? null : covered.length / rows.length;
    };
    const shares = Object.fromEntries(levels.map((level) => [String(level), share(level)]));
    return { houses: name, rows: rows.length, coverage: shares };
  });
}
