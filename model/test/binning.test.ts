import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { binFeatures, binLimit, quantileThresholds, thresholdBetween } from "../src/binning.ts";

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const column = fc
  .array(fc.oneof(float32, fc.integer({ min: -3, max: 3 })), { minLength: 1, maxLength: 300 })
  .map((values) => Float32Array.from(values));

describe("binning", () => {
  const notFinite = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  test.each(notFinite)("binning rejects the feature value %s", (value) => {
    expect(() => binFeatures([Float32Array.of(1, value)], 4)).toThrow(
      "a feature has a value that is not finite",
    );
  });
});

describe("thresholdBetween", () => {
  test("a threshold is the midpoint of its two values", () => {
    expect(thresholdBetween(1, 2)).toBe(1.5);
  });

  test("a threshold is the lower value if there is no float32 value in between", () => {
    const lower = Math.fround(0.1);
    const upper = Math.fround(lower + 2 ** -27);
    expect(upper).toBeGreaterThan(lower);
    expect(thresholdBetween(lower, upper)).toBe(lower);
  });

  test("a threshold separates the two largest float32 values", () => {
    const upper = 3.4028234663852886e38;
    const lower = 3.4028232635611926e38;
    expect(thresholdBetween(lower, upper)).toBe(lower);
  });

  test("a threshold is a float32 value, at least the lower value and below the upper one", () => {
    fc.assert(
      fc.property(float32, float32, (a, b) => {
        fc.pre(a !== b);
        const lower = Math.min(a, b);
        const upper = Math.max(a, b);
        const threshold = thresholdBetween(lower, upper);
        expect(Math.fround(threshold)).toBe(threshold);
        expect(lower <= threshold && threshold < upper).toBe(true);
      }),
    );
  });
});

describe("bins", () => {
  test("a constant feature has a single bin", () => {
    const { codes, thresholds } = binFeatures([Float32Array.of(7, 7, 7)], binLimit);
    expect([...(thresholds[0] ?? [])]).toEqual([]);
    expect([...(codes[0] ?? [])]).toEqual([0, 0, 0]);
  });

  test("each value gets its own bin if there are few distinct values", () => {
    const { codes, thresholds } = binFeatures([Float32Array.of(5, 1, 1, 3)], 3);
    expect([...(thresholds[0] ?? [])]).toEqual([2, 4]);
    expect([...(codes[0] ?? [])]).toEqual([2, 0, 0, 1]);
  });

  test("all bins hold the same number of rows if there are many distinct values", () => {
    const values = Float32Array.from({ length: 1000 }, (_, index) => index * index);
    const { codes } = binFeatures([values], 10);
    const rowsByBin = Map.groupBy(codes[0] ?? [], (code) => code);
    expect([...rowsByBin.values()].map(({ length }) => length)).toEqual(Array(10).fill(100));
  });

  test("there are at most `maxBins` bins, and equal values share a bin", () => {
    fc.assert(
      fc.property(column, fc.integer({ min: 2, max: binLimit }), (values, maxBins) => {
        const thresholds = quantileThresholds(values, maxBins);
        expect(thresholds.length).toBeLessThan(maxBins);
        expect([...thresholds]).toEqual([...new Set(thresholds.toSorted())]);
      }),
    );
  });

  test("a value is at most a threshold exactly if its bin is at most that bin", () => {
    fc.assert(
      fc.property(column, fc.integer({ min: 2, max: 20 }), (values, maxBins) => {
        const { codes, thresholds } = binFeatures([values], maxBins);
        for (const [row, value] of values.entries()) {
          const code = codes[0]?.[row] ?? Number.NaN;
          for (const [bin, threshold] of (thresholds[0] ?? []).entries()) {
            expect(value <= threshold).toBe(code <= bin);
          }
        }
      }),
    );
  });
});
