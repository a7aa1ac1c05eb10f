import { z } from "zod";
import { type BlockGroup, houseFeatures, target } from "./house-features.ts";
import { sha256 } from "./sha256.ts";

/** What identifies a raw file. Any other file is rejected. */
export interface DatasetIdentity {
  readonly name: string;
  /** SHA-256 of the raw file, in hexadecimal. */
  readonly sha256: string;
  readonly rows: number;
}

/** The raw file of the California housing data, as published by StatLib. */
export const californiaHousing: DatasetIdentity = {
  name: "California housing (StatLib, 1990 census)",
  sha256: "a2b44dcc7e1c9091b43c4f458b25cbd1f7e8068d08edd26bc4703108d3fa6214",
  rows: 20_640,
};

/** A parsed data set. */
export interface Dataset {
  readonly identity: DatasetIdentity;
  /** One array per house feature, in the model's order, with one value per row. */
  readonly features: readonly Float64Array[];
  /** One median house value per row, in 100,000 USD. */
  readonly targets: Float64Array;
}

const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, "is not a decimal number")
  .transform(Number);
const amount = decimal.refine((value) => value >= 0, "is negative");
const divisor = decimal.refine((value) => value > 0, "is not positive");

const columnSchemas = {
  longitude: decimal,
  latitude: decimal,
  housingMedianAge: amount,
  totalRooms: amount,
  totalBedrooms: amount,
  population: amount,
  households: divisor,
  medianIncome: amount,
  medianHouseValue: amount,
} as const satisfies Record<keyof BlockGroup, z.ZodType>;

const columnNames = Object.keys(columnSchemas);
const blockGroupSchema = z.object(columnSchemas);

/**
 * Parses and verifies the raw file: nine columns of comma-separated decimals, no header.
 *
 * @throws {Error} if a line is malformed, or if the number of rows or the digest is wrong
 */
export function parseDataset(raw: Uint8Array, identity: DatasetIdentity): Dataset {
  const lines = new TextDecoder().decode(raw).trimEnd().split("\n");
  const groups = lines.map(parseLine);
  if (groups.length !== identity.rows) {
    throw new Error(`data set has ${groups.length} rows instead of ${identity.rows}`);
  }
  const found = sha256(raw);
  if (found !== identity.sha256) {
    throw new Error(`data set has SHA-256 ${found} instead of ${identity.sha256}`);
  }
  return {
    identity,
    features: houseFeatures.map(({ from }) => Float64Array.from(groups, from)),
    targets: Float64Array.from(groups, target.from),
  };
}

function parseLine(line: string, index: number): BlockGroup {
  const cells = line.split(",");
  if (cells.length !== columnNames.length) {
    throw new Error(
      `data set line ${index + 1}: ${cells.length} columns instead of ${columnNames.length}`,
    );
  }
  const parsed = blockGroupSchema.safeParse(
    Object.fromEntries(columnNames.map((name, column) => [name, cells[column]])),
  );
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    throw new Error(`data set line ${index + 1}: ${faults.join(", ")}`);
  }
  return parsed.data;
}
