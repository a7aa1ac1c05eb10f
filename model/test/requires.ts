import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { testNeeding } from "../../test/prerequisite.ts";
import { californiaHousing, type Dataset, parseDataset } from "../src/dataset.ts";

const dataFolder = path.join(import.meta.dirname, "../../../shared/data");

/** The raw file of the California housing data. */
export const rawFile = path.join(dataFolder, "cal_housing.data");

/** The held-out rows of scikit-learn's split, one row number per line. */
export const heldOutFile = path.join(dataFolder, "split_test_idx.txt");

/** A test that needs the sample data. */
export const testWithSampleData = testNeeding(existsSync(rawFile) && existsSync(heldOutFile));

/** Parses the sample data. */
export function sampleDataset(): Dataset {
  return parseDataset(readFileSync(rawFile), californiaHousing);
}
