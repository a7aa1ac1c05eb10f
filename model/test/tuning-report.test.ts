import { expect, test } from "vitest";
import { formatTuningReport } from "../src/tuning-report.ts";

const size = { trees: 160, leavesPerTree: 31, shrinkage: 0.05, r2: 0.86, microsecondsPerHouse: 8 };

test("a tuning report shows the quality and cost of each size, in aligned tables", () => {
  const sizes = [size, { ...size, trees: 80, r2: 0.85, microsecondsPerHouse: 2 }];
  const report = formatTuningReport(sizes, [{ change: "l2 1", r2: 0.84 }], []);
  expect(report).toContain(`
| trees | leaves per tree | shrinkage | R²     | µs per house |
| ----- | --------------- | --------- | ------ | ------------ |
| 160   | 31              | 0.05      | 0.8600 | 8.00         |
| 80    | 31              | 0.05      | 0.8500 | 2.00         |
`);
  expect(report).toContain(`
| change | R²     |
| ------ | ------ |
| l2 1   | 0.8400 |
`);
});
