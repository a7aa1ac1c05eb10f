import { thresholdBetween } from "./binning.ts";
import type { Columns, Samples } from "./columns.ts";
import type { TreeNode } from "./ensemble.ts";

/** Values that depend only on the location: a map that is divided into cells. */
export interface LocationTable {
  /** Finds the cell of a location. The value of a leaf is the number of the cell. */
  readonly tree: TreeNode;
  /** One array per value, with one entry per cell. */
  readonly values: Columns;
}

/** What the neighbours of training rows are like. */
export interface Neighbourhoods {
  /** The values of each cell, in the order of {@link neighbourhoodNames}. */
  readonly table: LocationTable;
  /**
   * The same values for each training row. They describe its neighbours only, without the row, so
   * they do not reveal its target.
   */
  readonly ofRows: Columns;
}

/** How many of the nearest training rows are described. */
const neighbourCounts = [3, 8, 20, 60] as const;

/** The names of the values in a {@link LocationTable}. */
export const neighbourhoodNames: readonly string[] = neighbourCounts.flatMap((count) => [
  `Value${count}`,
  `Premium${count}`,
  `Distance${count}`,
]);

/** The column numbers of the features that are used. */
export interface NeighbourFeatures {
  readonly latitude: number;
  readonly longitude: number;
  readonly income: number;
}

/** The rise of the target per unit of income. It only has to be roughly right. */
const valuePerIncome = 0.4;

/** A cell with more rows is divided. */
const rowsPerCell = 2;

/** The length of a degree of longitude in California, in degrees of latitude. */
const longitudeScale = 0.8;

interface Cell {
  readonly rows: Int32Array;
  readonly latitude: number;
  readonly longitude: number;
}

interface Neighbour {
  readonly row: number;
  readonly squaredDistance: number;
}

/**
 * Divides the map into cells with one or two training rows, and describes the rows that are nearest
 * to the centre of each cell: their mean target, by how much they are more expensive than their
 * income explains, and how far away the last one is, in degrees of latitude.
 */
export function fitNeighbourhoods(samples: Samples, features: NeighbourFeatures): Neighbourhoods {
  const { targets, columns } = samples;
  const income = columns[features.income] ?? new Float32Array();
  const premiums = targets.map((target, row) => target - valuePerIncome * (income[row] ?? 0));
  const { tree, cells } = divideMap(columns, features);
  const values = neighbourhoodNames.map(() => new Float32Array(cells.length));
  const ofRows = neighbourhoodNames.map(() => new Float32Array(targets.length));
  for (const [number, cell] of cells.entries()) {
    const nearest = findNearest(columns, features, cell);
    write(values, number, describe(nearest, targets, premiums));
    for (const row of cell.rows) {
      const others = nearest.filter((neighbour) => neighbour.row !== row);
      write(ofRows, row, describe(others, targets, premiums));
    }
  }
  return { table: { tree, values }, ofRows };
}

function write(columns: Columns, index: number, values: readonly number[]): void {
  for (const [column, value] of values.entries()) columns[column]?.fill(value, index, index + 1);
}

function describe(
  nearest: readonly Neighbour[],
  targets: Float64Array,
  premiums: Float64Array,
): readonly number[] {
  return neighbourCounts.flatMap((count) => {
    const some = nearest.slice(0, count);
    const mean = (values: Float64Array) =>
      some.reduce((sum, { row }) => sum + (values[row] ?? 0), 0) / some.length;
    return [mean(targets), mean(premiums), Math.sqrt(some.at(-1)?.squaredDistance ?? 0)];
  });
}

/** Finds the rows nearest to a cell's centre, one more than are described. Earlier rows win ties. */
function findNearest(
  columns: Columns,
  features: NeighbourFeatures,
  cell: Cell,
): readonly Neighbour[] {
  const latitudes = columns[features.latitude] ?? new Float32Array();
  const longitudes = columns[features.longitude] ?? new Float32Array();
  const most = Math.max(...neighbourCounts) + 1;
  const rows = new Int32Array(most);
  const distances = new Float64Array(most).fill(Number.POSITIVE_INFINITY);
  for (let row = 0; row < latitudes.length; row++) {
    const north = (latitudes[row] ?? 0) - cell.latitude;
    const east = ((longitudes[row] ?? 0) - cell.longitude) * longitudeScale;
    const distance = north * north + east * east;
    // The last of the nearest rows is dropped, and nearer ones stay in front of this row.
    let place = most - 1;
    if (distance >= (distances[place] ?? 0)) continue;
    for (; place > 0 && (distances[place - 1] ?? 0) > distance; place--) {
      distances[place] = distances[place - 1] ?? 0;
      rows[place] = rows[place - 1] ?? 0;
    }
    distances[place] = distance;
    rows[place] = row;
  }
  return Array.from(rows.subarray(0, Math.min(most, latitudes.length)), (row, place) => ({
    row,
    squaredDistance: distances[place] ?? 0,
  }));
}

/** Halves the map at the median of the longer side until no cell has too many rows. */
function divideMap(
  columns: Columns,
  features: NeighbourFeatures,
): { readonly tree: TreeNode; readonly cells: readonly Cell[] } {
  const cells: Cell[] = [];
  const tree = divide(Int32Array.from(columns[0]?.keys() ?? []));
  return { tree, cells };

  function divide(rows: Int32Array): TreeNode {
    const north = sortedValues(features.latitude, rows);
    const east = sortedValues(features.longitude, rows);
    const height = extent(north);
    const width = extent(east) * longitudeScale;
    if (rows.length <= rowsPerCell || height + width === 0) {
      cells.push({ rows, latitude: mean(north), longitude: mean(east) });
      return { kind: "leaf", value: cells.length - 1 };
    }
    const [feature, sorted] =
      width > height ? [features.longitude, east] : [features.latitude, north];
    const threshold = medianThreshold(sorted);
    const isLeft = (row: number) => (columns[feature]?.[row] ?? 0) <= threshold;
    return {
      kind: "branch",
      feature,
      threshold,
      gain: 0,
      left: divide(rows.filter(isLeft)),
      right: divide(rows.filter((row) => !isLeft(row))),
    };
  }

  function sortedValues(feature: number, rows: Int32Array): Float32Array {
    return Float32Array.from(rows, (row) => columns[feature]?.[row] ?? 0).sort();
  }
}

function extent(sorted: Float32Array): number {
  return (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns a threshold just below the median, or just above it if there is nothing below. */
function medianThreshold(sorted: Float32Array): number {
  const median = sorted[sorted.length >>> 1] ?? 0;
  const below = sorted.findLast((value) => value < median);
  if (below !== undefined) return thresholdBetween(below, median);
  return thresholdBetween(median, sorted.find((value) => value > median) ?? median);
}
