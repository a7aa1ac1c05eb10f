import type { Columns } from "./columns.ts";
import { houseFeatures } from "./house-features.ts";

/** A part of the map, and the distance between its points in degrees. */
export interface MapGrid {
  readonly south: number;
  readonly north: number;
  readonly west: number;
  readonly east: number;
  readonly step: number;
}

/** California and its surroundings, including ocean and desert. */
export const californiaGrid: MapGrid = {
  south: 32,
  north: 42.5,
  west: -125,
  east: -113.8,
  step: 0.02,
};

/** The number of points from west to east. */
export function gridWidth({ west, east, step }: MapGrid): number {
  return Math.round((east - west) / step);
}

/**
 * Returns the same house at each point of a grid, as the model's input: row by row from north to
 * south, and each row from west to east.
 *
 * @param house a value for each feature
 */
export function housesOnGrid(grid: MapGrid, house: readonly number[]): Columns {
  const width = gridWidth(grid);
  const points = width * Math.round((grid.north - grid.south) / grid.step);
  return houseFeatures.map(({ name }, column) => {
    const values = new Float32Array(points).fill(house[column] ?? Number.NaN);
    if (name === "Latitude") {
      return values.map((_, point) => grid.north - (Math.floor(point / width) + 0.5) * grid.step);
    }
    if (name === "Longitude") {
      return values.map((_, point) => grid.west + ((point % width) + 0.5) * grid.step);
    }
    return values;
  });
}
