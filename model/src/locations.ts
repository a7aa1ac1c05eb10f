import { Locations } from "../../service/src/playground/locations.ts";

/** A feature, and its value in each row. */
export interface LocatedFeature {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

const cellsPerDegree = 10;

/**
 * Summarizes training rows by location, in cells of 0.1 degrees.
 *
 * @param targets one number per row
 * @returns undefined if the features don't include `latitude` and `longitude`, in any case, or their
 *   values are not locations on Earth
 */
export function summarizeLocations(
  features: readonly LocatedFeature[],
  targets: ArrayLike<number>,
): Locations | undefined {
  const named = (wanted: string) => features.find(({ name }) => name.toLowerCase() === wanted);
  const [latitude, longitude] = [named("latitude"), named("longitude")];
  if (latitude === undefined || longitude === undefined) return undefined;
  const sums = new Map<string, { north: number; east: number; sum: number; rows: number }>();
  for (let row = 0; row < targets.length; row++) {
    const north = Math.floor((latitude.values[row] ?? 0) * cellsPerDegree);
    const east = Math.floor((longitude.values[row] ?? 0) * cellsPerDegree);
    const { sum, rows } = sums.get(`${north} ${east}`) ?? { sum: 0, rows: 0 };
    const total = sum + (targets[row] ?? 0);
    sums.set(`${north} ${east}`, { north, east, sum: total, rows: rows + 1 });
  }
  return Locations.safeParse({
    latitude: latitude.name,
    longitude: longitude.name,
    cellDegrees: 1 / cellsPerDegree,
    cells: Array.from(sums.values(), ({ north, east, sum, rows }) => [
      north / cellsPerDegree,
      east / cellsPerDegree,
      Number((sum / rows).toPrecision(4)),
      rows,
    ]),
  }).data;
}
