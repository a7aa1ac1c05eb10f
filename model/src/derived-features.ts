import type { FeatureProgram } from "./feature-program.ts";
import { HOUSE_FEATURES } from "./house-features.ts";

/** A column that trees split on. */
export type TreeFeature = {
  readonly name: string;
  /** The house features that it is computed from, as columns of the model's input. */
  readonly sources: readonly number[];
};

const INCOME = columnOf("MedInc");
const ROOMS = columnOf("AveRooms");
const BEDROOMS = columnOf("AveBedrms");
const POPULATION = columnOf("Population");
const OCCUPANCY = columnOf("AveOccup");
const LATITUDE = columnOf("Latitude");
const LONGITUDE = columnOf("Longitude");

/** Axes through the map: a location's coordinate on each is latitude × sin + longitude × cos. */
const AXES = [
  { degrees: 15, sin: 0.25881904, cos: 0.9659258 },
  { degrees: 30, sin: 0.5, cos: 0.8660254 },
  { degrees: 45, sin: 0.70710677, cos: 0.70710677 },
  { degrees: 60, sin: 0.8660254, cos: 0.5 },
  { degrees: 75, sin: 0.9659258, cos: 0.25881904 },
  { degrees: 105, sin: 0.9659258, cos: -0.25881904 },
  { degrees: 120, sin: 0.8660254, cos: -0.5 },
  { degrees: 135, sin: 0.70710677, cos: -0.70710677 },
  { degrees: 150, sin: 0.5, cos: -0.8660254 },
  { degrees: 165, sin: 0.25881904, cos: -0.9659258 },
] as const;

/** City halls, in degrees. */
const CITIES = [
  { name: "LosAngeles", latitude: 34.05, longitude: -118.24 },
  { name: "SanDiego", latitude: 32.72, longitude: -117.16 },
  { name: "SanJose", latitude: 37.34, longitude: -121.89 },
  { name: "SanFrancisco", latitude: 37.78, longitude: -122.42 },
  { name: "Fresno", latitude: 36.74, longitude: -119.78 },
  { name: "Sacramento", latitude: 38.58, longitude: -121.49 },
] as const;

/** A degree of longitude in degrees of latitude, at California's middle. */
const LONGITUDE_SCALE = 0.8;

const RATIOS = [
  { name: "BedroomsPerRoom", numerator: BEDROOMS, denominator: ROOMS },
  { name: "IncomePerOccupant", numerator: INCOME, denominator: OCCUPANCY },
  { name: "RoomsPerOccupant", numerator: ROOMS, denominator: OCCUPANCY },
  { name: "BedroomsPerOccupant", numerator: BEDROOMS, denominator: OCCUPANCY },
  { name: "IncomePerRoom", numerator: INCOME, denominator: ROOMS },
  { name: "Households", numerator: POPULATION, denominator: OCCUPANCY },
] as const;

/**
 * Everything that trees may split on, in the order of the program's result: the house features
 * themselves, then those derived from them.
 */
export const TREE_FEATURES: readonly TreeFeature[] = [
  ...HOUSE_FEATURES.map(({ name }, column) => ({ name, sources: [column] })),
  ...AXES.map(({ degrees }) => ({
    name: `Axis${degrees}`,
    sources: [LATITUDE, LONGITUDE],
  })),
  ...CITIES.map(({ name }) => ({
    name: `SquaredDistanceTo${name}`,
    sources: [LATITUDE, LONGITUDE],
  })),
  ...RATIOS.map(({ name, numerator, denominator }) => ({
    name,
    sources: [numerator, denominator],
  })),
];

/**
 * Computes {@link TREE_FEATURES} from the house features. Distances stay squared: a tree only
 * compares, and the root would not change any order.
 */
export const DERIVED_FEATURES: FeatureProgram = {
  input: "houses",
  constants: {
    axis_sin: AXES.map(({ sin }) => sin),
    axis_cos: AXES.map(({ cos }) => cos),
    city_latitude: CITIES.map(({ latitude }) => latitude),
    city_longitude: CITIES.map(({ longitude }) => longitude),
    longitude_scale: [LONGITUDE_SCALE],
  },
  operations: [
    { op: "Gather", output: "latitude", input: "houses", columns: [LATITUDE] },
    { op: "Gather", output: "longitude", input: "houses", columns: [LONGITUDE] },
    { op: "Mul", output: "northing", left: "latitude", right: "axis_sin" },
    { op: "Mul", output: "easting", left: "longitude", right: "axis_cos" },
    { op: "Add", output: "axes", left: "northing", right: "easting" },
    { op: "Sub", output: "north_of_city", left: "latitude", right: "city_latitude" },
    { op: "Sub", output: "east_of_city", left: "longitude", right: "city_longitude" },
    { op: "Mul", output: "scaled_east_of_city", left: "east_of_city", right: "longitude_scale" },
    { op: "Mul", output: "north_squared", left: "north_of_city", right: "north_of_city" },
    {
      op: "Mul",
      output: "east_squared",
      left: "scaled_east_of_city",
      right: "scaled_east_of_city",
    },
    { op: "Add", output: "squared_distances", left: "north_squared", right: "east_squared" },
    {
      op: "Gather",
      output: "numerators",
      input: "houses",
      columns: RATIOS.map(({ numerator }) => numerator),
    },
    {
      op: "Gather",
      output: "denominators",
      input: "houses",
      columns: RATIOS.map(({ denominator }) => denominator),
    },
    { op: "Div", output: "ratios", left: "numerators", right: "denominators" },
    {
      op: "Concat",
      output: "tree_features",
      inputs: ["houses", "axes", "squared_distances", "ratios"],
    },
  ],
};

function columnOf(name: string): number {
  return HOUSE_FEATURES.findIndex((feature) => feature.name === name);
}
