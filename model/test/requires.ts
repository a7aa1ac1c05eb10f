import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "vitest";
import { CALIFORNIA_HOUSING, type Dataset, parseDataset } from "../src/dataset.ts";

const FOLDER = path.join(import.meta.dirname, "../../../shared/data");

/** The raw file of the California housing data. */
export const RAW_FILE = path.join(FOLDER, "cal_housing.data");

/** Held-out rows of scikit-learn's split, one a line. */
export const HELD_OUT_FILE = path.join(FOLDER, "split_test_idx.txt");

const { REQUIRE_ALL_TESTS } = process.env;
const present = existsSync(RAW_FILE) && existsSync(HELD_OUT_FILE);

/**
 * A test that needs the sample data: skipped by name where there is none, unless
 * `REQUIRE_ALL_TESTS=1` says that nothing may be lacking; then it runs, and fails.
 */
export const testWithSampleData = test.skipIf(!present && REQUIRE_ALL_TESTS !== "1");

/** The sample data, parsed. */
export function sampleDataset(): Dataset {
  return parseDataset(readFileSync(RAW_FILE), CALIFORNIA_HOUSING);
}
