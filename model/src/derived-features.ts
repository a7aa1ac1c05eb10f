import type { FeatureSet } from "./boosting.ts";
import type { FeatureProgram } from "./feature-program.ts";
import { houseFeatures } from "./house-features.ts";
import {
  type LocationTable,
  type NeighbourFeatures,
  neighbourhoodNames,
} from "./neighbourhoods.ts";

/** A column that trees can split on. */
export interface TreeFeature {
  readonly name: string;
  /** The kind of column. */
  readonly group: "house feature" | "axis" | "ratio" | "income ratio" | "neighbourhood";
  /** The house features it is computed from, as column numbers of the model's input. */
  readonly sources: readonly number[];
}

const incomeColumn = columnOf("MedInc");
const occupantsColumn = columnOf("AveOccup");
const roomsColumn = columnOf("AveRooms");
const bedroomsColumn = columnOf("AveBedrms");
const latitudeColumn = columnOf("Latitude");
const longitudeColumn = columnOf("Longitude");

/** The columns of the model's input that neighbourhoods are made of. */
export const neighbourFeatures: NeighbourFeatures = {
  latitude: latitudeColumn,
  longitude: longitudeColumn,
  income: incomeColumn,
};

/** Rotated map axes. A location's coordinate on an axis is latitude × sin + longitude × cos. */
const axes = [
  { degrees: 7.5, sin: 0.13052619, cos: 0.9914449 },
  { degrees: 15, sin: 0.25881904, cos: 0.9659258 },
  { degrees: 22.5, sin: 0.38268343, cos: 0.9238795 },
  { degrees: 30, sin: 0.5, cos: 0.8660254 },
  { degrees: 37.5, sin: 0.6087614, cos: 0.7933533 },
  { degrees: 45, sin: 0.70710677, cos: 0.70710677 },
  { degrees: 52.5, sin: 0.7933533, cos: 0.6087614 },
  { degrees: 60, sin: 0.8660254, cos: 0.5 },
  { degrees: 67.5, sin: 0.9238795, cos: 0.38268343 },
  { degrees: 75, sin: 0.9659258, cos: 0.25881904 },
  { degrees: 82.5, sin: 0.9914449, cos: 0.13052619 },
  { degrees: 97.5, sin: 0.9914449, cos: -0.13052619 },
  { degrees: 105, sin: 0.9659258, cos: -0.25881904 },
  { degrees: 112.5, sin: 0.9238795, cos: -0.38268343 },
  { degrees: 120, sin: 0.8660254, cos: -0.5 },
  { degrees: 127.5, sin: 0.7933533, cos: -0.6087614 },
  { degrees: 135, sin: 0.70710677, cos: -0.70710677 },
  { degrees: 142.5, sin: 0.6087614, cos: -0.7933533 },
  { degrees: 150, sin: 0.5, cos: -0.8660254 },
  { degrees: 157.5, sin: 0.38268343, cos: -0.9238795 },
  { degrees: 165, sin: 0.25881904, cos: -0.9659258 },
  { degrees: 172.5, sin: 0.13052619, cos: -0.9914449 },
] as const;

/**
 * All columns that trees can split on, in the order of the program's result: the house features,
 * then the features derived from them.
 */
export const treeFeatures: readonly TreeFeature[] = [
  ...houseFeatures.map(({ name }, column) => ({
    name,
    group: "house feature" as const,
    sources: [column],
  })),
  ...axes.map(({ degrees }) => ({
    name: `Axis${degrees}`,
    group: "axis" as const,
    sources: [latitudeColumn, longitudeColumn],
  })),
  { name: "BedroomsPerRoom", group: "ratio", sources: [bedroomsColumn, roomsColumn] },
  { name: "IncomePerOccupant", group: "income ratio", sources: [incomeColumn, occupantsColumn] },
  ...neighbourhoodNames.map((name) => ({
    name,
    group: "neighbourhood" as const,
    sources: [latitudeColumn, longitudeColumn],
  })),
];

/**
 * What each ensemble may split on. One describes a location by coordinates on rotated axes, the
 * other by what the neighbours are like. Their mean is more accurate than one ensemble with all
 * columns.
 */
export const featureSets: Readonly<Record<"axes" | "neighbourhoods", FeatureSet>> = {
  axes: { columns: columnsOf("house feature", "axis", "ratio"), fraction: 0.25 },
  neighbourhoods: {
    columns: columnsOf("house feature", "ratio", "income ratio", "neighbourhood"),
    fraction: 0.7,
  },
};

function columnsOf(...groups: readonly TreeFeature["group"][]): readonly number[] {
  return treeFeatures.flatMap(({ group }, column) => (groups.includes(group) ? [column] : []));
}

/** Computes {@link treeFeatures} from the house features. */
export function derivedFeatures(neighbourhoods: LocationTable): FeatureProgram {
  return {
    input: "houses",
    constants: {
      axis_sin: axes.map(({ sin }) => sin),
      axis_cos: axes.map(({ cos }) => cos),
    },
    operations: [
      { op: "Gather", output: "latitude", input: "houses", columns: [latitudeColumn] },
      { op: "Gather", output: "longitude", input: "houses", columns: [longitudeColumn] },
      { op: "Mul", output: "northing", left: "latitude", right: "axis_sin" },
      { op: "Mul", output: "easting", left: "longitude", right: "axis_cos" },
      { op: "Add", output: "axes", left: "northing", right: "easting" },
      { op: "Gather", output: "bedrooms", input: "houses", columns: [bedroomsColumn] },
      { op: "Gather", output: "rooms", input: "houses", columns: [roomsColumn] },
      { op: "Div", output: "bedrooms_per_room", left: "bedrooms", right: "rooms" },
      { op: "Gather", output: "income", input: "houses", columns: [incomeColumn] },
      { op: "Gather", output: "occupants", input: "houses", columns: [occupantsColumn] },
      { op: "Div", output: "income_per_occupant", left: "income", right: "occupants" },
      { op: "Lookup", output: "neighbourhood", input: "houses", table: neighbourhoods },
      {
        op: "Concat",
        output: "tree_features",
        inputs: ["houses", "axes", "bedrooms_per_room", "income_per_occupant", "neighbourhood"],
      },
    ],
  };
}

function columnOf(name: string): number {
  return houseFeatures.findIndex((feature) => feature.name === name);
}
