import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binFeatures, MAX_BINS, quantileThresholds, thresholdBetween } from "../src/binning.ts";

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const column = fc
  .array(fc.oneof(float32, fc.integer({ min: -3, max: 3 })), { minLength: 1, maxLength: 300 })
  .map((values) => Float32Array.from(values));

describe("binning refuses", () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%s", (value) => {
    expect(() => binFeatures([Float32Array.of(1, value)], 4)).toThrow(
      "a feature to bin has a value that is not finite",
    );
  });
});

describe("a threshold between two values", () => {
  test("is their middle", () => {
    expect(thresholdBetween(1, 2)).toBe(1.5);
  });

  test("is the lower one when float32 has nothing in between", () => {
    const lower = Math.fround(0.1);
    const upper = Math.fround(lower + 2 ** -27);
    expect(upper).toBeGreaterThan(lower);
    expect(thresholdBetween(lower, upper)).toBe(lower);
  });

  test("parts the two largest float32 values", () => {
    const upper = 3.4028234663852886e38;
    const lower = 3.4028232635611926e38;
    expect(thresholdBetween(lower, upper)).toBe(lower);
  });

  test("is a float32 that is at least the lower and below the upper", () => {
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
  test("are one for a constant feature", () => {
    const { codes, thresholds } = binFeatures([Float32Array.of(7, 7, 7)], MAX_BINS);
    expect([...(thresholds[0] ?? [])]).toEqual([]);
    expect([...(codes[0] ?? [])]).toEqual([0, 0, 0]);
  });

  test("are one a value where there are few values", () => {
    const { codes, thresholds } = binFeatures([Float32Array.of(5, 1, 1, 3)], 3);
    expect([...(thresholds[0] ?? [])]).toEqual([2, 4]);
    expect([...(codes[0] ?? [])]).toEqual([2, 0, 0, 1]);
  });

  test("hold equal numbers of rows where there are many values", () => {
    const values = Float32Array.from({ length: 1000 }, (_, index) => index * index);
    const { codes } = binFeatures([values], 10);
    const rowsByBin = Map.groupBy(codes[0] ?? [], (code) => code);
    expect([...rowsByBin.values()].map(({ length }) => length)).toEqual(Array(10).fill(100));
  });

  test("are no more than asked for, and never part equal values", () => {
    fc.assert(
      fc.property(column, fc.integer({ min: 2, max: MAX_BINS }), (values, maxBins) => {
        const thresholds = quantileThresholds(values, maxBins);
        expect(thresholds.length).toBeLessThan(maxBins);
        expect([...thresholds]).toEqual([...new Set(thresholds.toSorted())]);
      }),
    );
  });

  test("order rows as their thresholds do", () => {
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
