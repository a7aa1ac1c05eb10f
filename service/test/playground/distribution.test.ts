import { describe, expect, test } from "vitest";
import {
  cumulativePoints,
  histogram,
  type NumericFeature,
  shareUpTo,
  sliderRange,
} from "../../src/playground/page/distribution.js";
import { houseCard } from "../house-model.ts";

const number = (rest: Partial<NumericFeature>) =>
  ({ name: "x", type: "number", example: 1, ...rest }) as NumericFeature;

const numericFeatures = houseCard.features.filter(
  (feature): feature is NumericFeature => feature.type === "number",
);

describe("the slider of a feature", () => {
  test("a slider covers 98 % of the training rows in round steps", () => {
    expect(sliderRange(number({ quantiles: { "0.01": 1.07, "0.99": 10.59 } }))).toEqual({
      min: 1.06,
      max: 10.6,
      step: 0.02,
    });
  });

  test("a slider of integers has integers only", () => {
    const feature = number({ type: "integer", minimum: 1880, maximum: 2023 });
    expect(sliderRange(feature)).toEqual({ min: 1880, max: 2023, step: 1 });
  });

  test("without a distribution, a slider's range is around the example and within the bounds", () => {
    expect(sliderRange(number({ example: 50 }))).toMatchObject({ min: 0, max: 100 });
    expect(sliderRange(number({ example: 50, ge: 20, le: 60 }))).toMatchObject({
      min: 20,
      max: 60,
    });
    expect(sliderRange(number({ example: 0 }))).toMatchObject({ min: -1, max: 1 });
  });

  test("a slider never reaches an exclusive bound", () => {
    const { min, max, step } = sliderRange(number({ minimum: 0, maximum: 1, gt: 0, lt: 1 }));
    expect([min, max]).toEqual([step, 1 - step]);
  });

  test("a feature with a single value has a slider around that value", () => {
    expect(sliderRange(number({ minimum: 7, maximum: 7 }))).toMatchObject({ min: 6, max: 8 });
  });
});

describe("the distribution of a feature", () => {
  test.each(numericFeatures)(
    "the cumulative points of $name ascend, and the last one has all rows",
    (feature) => {
      const points = cumulativePoints(feature);
      expect(points.length).toBeGreaterThan(10);
      for (const [index, { value, share }] of points.entries()) {
        const before = points[index - 1];
        if (before === undefined) continue;
        expect(value).toBeGreaterThan(before.value);
        expect(share).toBeGreaterThanOrEqual(before.share);
      }
      expect(points[0]).toEqual({ value: feature.minimum, share: 0 });
      expect(points.at(-1)).toEqual({ value: feature.maximum, share: 1 });
    },
  );

  test.each(numericFeatures)(
    "about half of the rows are at or below the median of $name",
    (feature) => {
      const median = feature.quantiles?.["0.5"] ?? Number.NaN;
      const share = shareUpTo(cumulativePoints(feature), median);
      expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
    },
  );

  test("no row is below the smallest value, and all rows are at or below the largest", () => {
    const points = cumulativePoints(number({ minimum: 1, maximum: 3 }));
    expect([0, 1, 2, 3, 4].map((value) => shareUpTo(points, value))).toEqual([0, 0, 0.5, 1, 1]);
  });

  test("the bars of an integer feature are the shares of its values", () => {
    const bins = { edges: [1, 2], shares: [0.5, 0.25, 0.25] };
    const feature = number({ type: "integer", minimum: 1, maximum: 3, bins });
    expect(histogram(feature, { min: 1, max: 3 })).toEqual({
      kind: "bars",
      values: [1, 2, 3],
      heights: [1, 0.5, 0.5],
    });
  });

  test("a bin with more rows per unit has a higher bar", () => {
    const bins = { edges: [1], shares: [0.5, 0.5] };
    expect(histogram(number({ minimum: 0, maximum: 5, bins }), { min: 0, max: 3 })).toEqual({
      kind: "steps",
      values: [0, 1, 3],
      heights: [1, 0.25, 0],
    });
  });

  test("a card without a distribution gives no histogram", () => {
    expect(histogram(number({}), { min: 0, max: 1 })).toBeUndefined();
  });
});
