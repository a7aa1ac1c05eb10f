import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { testNeeding } from "../../test/prerequisite.ts";
import { CALIFORNIA_HOUSING, type Dataset, parseDataset } from "../src/dataset.ts";

const FOLDER = path.join(import.meta.dirname, "../../../shared/data");

/** The raw file of the California housing data. */
export const RAW_FILE = path.join(FOLDER, "cal_housing.data");

/** Held-out rows of scikit-learn's split, one a line. */
export const HELD_OUT_FILE = path.join(FOLDER, "split_test_idx.txt");

/** A test that needs the sample data. */
export const testWithSampleData = testNeeding(existsSync(RAW_FILE) && existsSync(HELD_OUT_FILE));

/** The sample data, parsed. */
export function sampleDataset(): Dataset {
  return parseDataset(readFileSync(RAW_FILE), CALIFORNIA_HOUSING);
}
