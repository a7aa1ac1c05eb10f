import { z } from "zod";
import type { RecordSchema } from "../records/schema.ts";

function feature(title: string, description: string, number = z.number()) {
  return number.meta({ title, description });
}

/** One block group of the 1990 census: the eight raw features of the model, in the model's order. */
export const House = z.strictObject({
  MedInc: feature("Median income", "In 10,000 USD a year; greater than 0", z.number().positive()),
  HouseAge: feature("House age", "Median age of a house, in years"),
  AveRooms: feature("Average rooms", "Rooms per household"),
  AveBedrms: feature("Average bedrooms", "Bedrooms per household"),
  Population: feature("Population", "People in the block group"),
  AveOccup: feature("Average occupancy", "People per household"),
  Latitude: feature("Latitude", "Degrees north"),
  Longitude: feature("Longitude", "Degrees east; negative in California"),
});

/** A house of the data set, for examples. */
export const exampleHouse: z.infer<typeof House> = {
  MedInc: 8.3252,
  HouseAge: 41,
  AveRooms: 6.98412698,
  AveBedrms: 1.02380952,
  Population: 322,
  AveOccup: 2.55555556,
  Latitude: 37.88,
  Longitude: -122.23,
};

/** The names of the features in the model's order: columns of the matrix, keys of a house. */
export const featureNames = House.keyof().options;

/** What the readers enforce. */
export const houseSchema: RecordSchema = {
  record: { singular: "house", plural: "houses" },
  features: featureNames.map((name) => ({
    name,
    type: "number",
    ...(name === "MedInc" && { gt: 0 }),
  })),
};

/** The body of `/bulk_predict`, with each house as `house` describes it. */
export function bulkOf<T extends z.ZodType>(house: T, maxHouses: number) {
  return z.strictObject({ houses: z.array(house).max(maxHouses) });
}

/** The answer of `/predict`: the median house value in 100,000 USD. */
export const HousePrediction = z.strictObject({ prediction: z.number() });

/** The answer of `/bulk_predict`: one value a house, in the order sent. */
export const BulkHousePrediction = z.strictObject({ predictions: z.array(z.number()) });
