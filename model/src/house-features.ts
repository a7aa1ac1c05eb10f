/** One row of the raw file: a census block group of the 1990 California census. */
export type BlockGroup = {
  readonly longitude: number;
  readonly latitude: number;
  readonly housingMedianAge: number;
  readonly totalRooms: number;
  readonly totalBedrooms: number;
  readonly population: number;
  readonly households: number;
  readonly medianIncome: number;
  readonly medianHouseValue: number;
};

/** An input of the model and how it comes from a raw row. */
export type HouseFeature = {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly from: (group: BlockGroup) => number;
};

/** The model's inputs, in the order of its columns. */
export const HOUSE_FEATURES: readonly HouseFeature[] = [
  {
    name: "MedInc",
    description: "Median household income in the block group",
    unit: "10,000 USD",
    from: (group) => group.medianIncome,
  },
  {
    name: "HouseAge",
    description: "Median age of the houses in the block group",
    unit: "years",
    from: (group) => group.housingMedianAge,
  },
  {
    name: "AveRooms",
    description: "Average number of rooms per household",
    unit: "rooms per household",
    from: (group) => group.totalRooms / group.households,
  },
  {
    name: "AveBedrms",
    description: "Average number of bedrooms per household",
    unit: "bedrooms per household",
    from: (group) => group.totalBedrooms / group.households,
  },
  {
    name: "Population",
    description: "Population of the block group",
    unit: "people",
    from: (group) => group.population,
  },
  {
    name: "AveOccup",
    description: "Average number of people per household",
    unit: "people per household",
    from: (group) => group.population / group.households,
  },
  {
    name: "Latitude",
    description: "Latitude of the block group's centre",
    unit: "degrees north",
    from: (group) => group.latitude,
  },
  {
    name: "Longitude",
    description: "Longitude of the block group's centre, west is negative",
    unit: "degrees east",
    from: (group) => group.longitude,
  },
];

/** What the model predicts. */
export const TARGET = {
  name: "MedHouseVal",
  description: "Median house value in the block group, censored at 5.00001",
  unit: "100,000 USD",
  from: (group: BlockGroup) => group.medianHouseValue / 100_000,
} as const;
