/** One row of the raw file: a census block group of the 1990 California census. */
export interface BlockGroup {
  readonly longitude: number;
  readonly latitude: number;
  readonly housingMedianAge: number;
  readonly totalRooms: number;
  readonly totalBedrooms: number;
  readonly population: number;
  readonly households: number;
  readonly medianIncome: number;
  readonly medianHouseValue: number;
}

/** An input of the model, and how it is computed from a raw row. */
export interface HouseFeature {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  /** Values must be greater than this. */
  readonly gt?: number;
  /** The value of a block group in the data set. */
  readonly example: number;
  readonly from: (group: BlockGroup) => number;
}

/** The service's name for one record, and for several. */
export const recordNames = { singular: "house", plural: "houses" } as const;

/** The model's inputs, in the order of its columns. */
export const houseFeatures: readonly HouseFeature[] = [
  {
    name: "MedInc",
    title: "Median income",
    description: "Median household income in the block group",
    unit: "10,000 USD",
    gt: 0,
    example: 8.3252,
    from: (group) => group.medianIncome,
  },
  {
    name: "HouseAge",
    title: "House age",
    description: "Median age of the houses in the block group",
    unit: "years",
    example: 41,
    from: (group) => group.housingMedianAge,
  },
  {
    name: "AveRooms",
    title: "Average rooms",
    description: "Average number of rooms per household",
    unit: "rooms per household",
    example: 6.98412698,
    from: (group) => group.totalRooms / group.households,
  },
  {
    name: "AveBedrms",
    title: "Average bedrooms",
    description: "Average number of bedrooms per household",
    unit: "bedrooms per household",
    example: 1.02380952,
    from: (group) => group.totalBedrooms / group.households,
  },
  {
    name: "Population",
    title: "Population",
    description: "Population of the block group",
    unit: "people",
    example: 322,
    from: (group) => group.population,
  },
  {
    name: "AveOccup",
    title: "Average occupancy",
    description: "Average number of people per household",
    unit: "people per household",
    example: 2.55555556,
    from: (group) => group.population / group.households,
  },
  {
    name: "Latitude",
    title: "Latitude",
    description: "Latitude of the block group's centre",
    unit: "degrees north",
    example: 37.88,
    from: (group) => group.latitude,
  },
  {
    name: "Longitude",
    title: "Longitude",
    description: "Longitude of the block group's centre, west is negative",
    unit: "degrees east",
    example: -122.23,
    from: (group) => group.longitude,
  },
];

/** What the model predicts. */
export const target = {
  name: "MedHouseVal",
  description: "Median house value in the block group, censored at 5.00001",
  unit: "100,000 USD",
  from: (group: BlockGroup) => group.medianHouseValue / 100_000,
} as const;

/** The name of the ONNX output that predicts how large the error is, in the target's unit. */
export const errorOutput = "MedHouseValError";
