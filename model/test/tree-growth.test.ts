import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { binFeatures, binLimit } from "../src/binning.ts";
import type { TreeNode } from "../src/ensemble.ts";
import { buildHistogram, subtractHistogram } from "../src/histogram.ts";
import { findBestSplit } from "../src/split-search.ts";
import { type GrowthRules, growTree } from "../src/tree-growth.ts";

const defaultRules: GrowthRules = {
  leavesPerTree: 31,
  maxDepth: 30,
  shrinkage: 1,
  minLeafRows: 1,
  l2: 0,
  minGain: 1e-9,
};

function grow(
  columns: readonly (readonly number[])[],
  residuals: readonly number[],
  rules: Partial<GrowthRules> = {},
): TreeNode {
  const binned = binFeatures(
    columns.map((column) => Float32Array.from(column)),
    binLimit,
  );
  const sample = {
    rows: Int32Array.from(residuals.keys()),
    features: Int32Array.from(columns.keys()),
    residuals: Float64Array.from(residuals),
  };
  return growTree(binned, sample, { ...defaultRules, ...rules });
}

function leaf(value: number) {
  return { kind: "leaf", value: Math.fround(value) };
}

describe("a tree with a single leaf", () => {
  test("a tree is a single leaf if all residuals are zero", () => {
    expect(grow([[1, 2, 3]], [0, 0, 0])).toEqual(leaf(0));
  });

  test("a tree is a single leaf with the mean as its value if all features are constant", () => {
    expect(
      grow(
        [
          [4, 4, 4],
          [0, 0, 0],
        ],
        [1, 2, 6],
      ),
    ).toEqual(leaf(3));
  });

  test("a tree is a single leaf if every split leaves one side with too few rows", () => {
    expect(grow([[0, 0, 0, 1]], [0, 0, 0, 8], { minLeafRows: 2 })).toEqual(leaf(2));
  });

  test("a tree is a single leaf if no split exceeds the minimum gain", () => {
    expect(grow([[0, 1]], [-1, 1], { minGain: 2 })).toEqual(leaf(0));
    expect(grow([[0, 1]], [-1, 1], { minGain: 1.99 })).toMatchObject({ kind: "branch", gain: 2 });
  });

  test("a tree is a single leaf if the limit is one leaf", () => {
    expect(grow([[0, 1]], [-1, 1], { leavesPerTree: 1 })).toEqual(leaf(0));
  });
});

describe("a single split", () => {
  test("a tree splits where the gain is largest, and each leaf has the mean of its side", () => {
    expect(grow([[1, 2, 3, 4]], [-1, -1, -1, 3], { leavesPerTree: 2 })).toEqual({
      kind: "branch",
      feature: 0,
      threshold: 3.5,
      gain: 12,
      left: leaf(-1),
      right: leaf(3),
    });
  });

  test("a tree splits on the feature that explains the residuals", () => {
    const noise = [5, 1, 2, 4];
    const signal = [0, 1, 0, 1];
    expect(grow([noise, signal], [-2, 2, -2, 2], { leavesPerTree: 2 })).toMatchObject({
      feature: 1,
      threshold: 0.5,
    });
  });

  test("the L2 penalty reduces leaf values and gain", () => {
    const tree = grow([[0, 0, 1, 1]], [-1, -1, 1, 1], { l2: 2 });
    expect(tree).toMatchObject({ left: leaf(-2 / 4), right: leaf(2 / 4), gain: 2 });
  });

  test("leaf values are multiplied by the shrinkage", () => {
    const tree = grow([[0, 1]], [-1, 1], { shrinkage: 0.1 });
    expect(tree).toMatchObject({ left: leaf(-0.1), right: leaf(0.1) });
  });

  test("among features with equal gain, the first one is split", () => {
    const column = [0, 0, 1, 1];
    expect(grow([column, column], [-1, -1, 1, 1])).toMatchObject({ feature: 0 });
  });

  test("among thresholds with equal gain, the lowest one is used", () => {
    expect(grow([[0, 1, 2]], [1, -2, 1], { leavesPerTree: 2 })).toMatchObject({ threshold: 0.5 });
  });
});

describe("growth", () => {
  test("the leaf with the largest gain is split next, not the one nearest to the root", () => {
    const tree = grow([[0, 1, 2, 3, 4]], [-9, -8, 0, 30, 90], { leavesPerTree: 3 });
    expect(tree).toMatchObject({
      threshold: 3.5,
      left: { kind: "branch", threshold: 2.5 },
      right: leaf(90),
    });
  });

  test("a leaf at the maximum depth is not split, even if it gains most", () => {
    const tree = grow([[0, 1, 2, 3, 4]], [-9, -8, 0, 30, 90], { leavesPerTree: 4, maxDepth: 2 });
    expect(tree).toMatchObject({
      threshold: 3.5,
      left: { kind: "branch", threshold: 2.5, left: { kind: "leaf" }, right: leaf(30) },
      right: leaf(90),
    });
  });

  test("growth stops before the limit of leaves if every row is explained", () => {
    expect(grow([[0, 1, 2]], [-1, 0, 1], { leavesPerTree: 31 })).toMatchObject({
      left: leaf(-1),
      right: { left: leaf(0), right: leaf(1) },
    });
  });

  test("a tree uses only the rows and features of its sample", () => {
    const binned = binFeatures([Float32Array.of(0, 0, 1), Float32Array.of(0, 1, 1)], binLimit);
    const sample = {
      rows: Int32Array.of(0, 1),
      features: Int32Array.of(1),
      residuals: Float64Array.of(-1, 1, 100),
    };
    expect(growTree(binned, sample, defaultRules)).toMatchObject({
      feature: 1,
      left: leaf(-1),
      right: leaf(1),
    });
  });
});

const samples = fc.array(
  fc.record({ value: fc.integer({ min: 0, max: 20 }), residual: fc.integer({ min: -9, max: 9 }) }),
  { minLength: 2, maxLength: 60 },
);

describe("histograms", () => {
  test("the histograms of two children add up to that of their parent", () => {
    fc.assert(
      fc.property(samples, fc.nat(), (rows, cut) => {
        const codes = [Uint8Array.from(rows, ({ value }) => value)];
        const residuals = Float64Array.from(rows, ({ residual }) => residual);
        const all = Int32Array.from(rows.keys());
        const size = cut % rows.length;
        const parent = buildHistogram(codes, all, residuals);
        const child = buildHistogram(codes, all.subarray(0, size), residuals);
        const rest = buildHistogram(codes, all.subarray(size), residuals);
        expect(subtractHistogram(parent, child)).toEqual(rest);
      }),
    );
  });

  test("the split found with histograms is the best of all possible splits", () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 5 }), (rows, minLeafRows) => {
        const codes = Uint8Array.from(rows, ({ value }) => value);
        const residuals = Float64Array.from(rows, ({ residual }) => residual);
        const totals = { sum: sum(residuals), rows: rows.length };
        const histogram = buildHistogram([codes], Int32Array.from(rows.keys()), residuals);
        const rules = { minLeafRows, l2: 1, minGain: 1e-9 };
        const found = findBestSplit(histogram, [21], totals, rules);
        const gains = [...Array(20).keys()].map((bin) => {
          const left = residuals.filter((_, row) => (codes[row] ?? 0) <= bin);
          const right = residuals.filter((_, row) => (codes[row] ?? 0) > bin);
          return Math.min(left.length, right.length) < minLeafRows
            ? 0
            : score(left) + score(right) - score(residuals);
        });
        const best = Math.max(...gains, 0);
        expect(found?.gain ?? 0).toBeCloseTo(best > 1e-9 ? best : 0, 9);
      }),
    );
  });
});

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function score(values: Float64Array): number {
  return sum(values) ** 2 / (values.length + 1);
}
