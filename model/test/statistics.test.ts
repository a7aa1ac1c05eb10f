import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import type { Ensemble, TreeNode } from "../src/ensemble.ts";
import { describeBins, describeRange, inputImportance } from "../src/feature-statistics.ts";
import { computeMetrics, formatMetrics } from "../src/metrics.ts";

const targets = Float64Array.of(1, 2, 3, 4);

function branch(feature: number, gain: number, left: TreeNode): TreeNode {
  return { kind: "branch", feature, gain, threshold: 0, left, right: { kind: "leaf", value: 0 } };
}

describe("metrics", () => {
  test("metrics without targets are rejected", () => {
    expect(() => computeMetrics(new Float64Array(), new Float32Array())).toThrow(
      "0 predictions for 0 targets",
    );
  });

  test("metrics are rejected if there is not one prediction per target", () => {
    expect(() => computeMetrics(targets, Float32Array.of(1))).toThrow(
      "1 predictions for 4 targets",
    );
  });

  test("perfect predictions have R² 1 and no error", () => {
    expect(computeMetrics(targets, Float32Array.from(targets))).toEqual({ r2: 1, rmse: 0, mae: 0 });
  });

  test("predicting the mean has R² 0", () => {
    expect(computeMetrics(targets, new Float32Array(4).fill(2.5))).toEqual({
      r2: 0,
      rmse: Math.sqrt(1.25),
      mae: 1,
    });
  });

  test("one large error raises RMSE more than MAE", () => {
    const { r2, rmse, mae } = computeMetrics(targets, Float32Array.of(1, 2, 3, 8));
    expect([r2, rmse, mae]).toEqual([1 - 16 / 5, 2, 1]);
  });

  test("metrics are printed on one line", () => {
    expect(formatMetrics({ r2: 0.87, rmse: 0.41239, mae: 0.27 })).toBe(
      "R² 0.8700  RMSE 0.4124  MAE 0.2700",
    );
  });
});

describe("a feature's bins", () => {
  test("there is one bin for one value, and for many equal ones", () => {
    expect(describeBins(Float64Array.of(7))).toEqual({ edges: [], shares: [1] });
    expect(describeBins(new Float64Array(50).fill(7))).toEqual({ edges: [], shares: [1] });
  });

  test("equal values share a bin, so there are fewer bins", () => {
    const values = Float64Array.of(
      ...Array(60).fill(0),
      ...Array(30).fill(1),
      ...Array(10).fill(2),
    );
    expect(describeBins(values)).toEqual({ edges: [0, 1], shares: [0.6, 0.3, 0.1] });
  });

  test("edges are values in float32, and a value equal to an edge is in the lower bin", () => {
    const values = Float64Array.from({ length: 20 }, (_, row) => (row + 1) / 10);
    const { edges, shares } = describeBins(values);
    expect(edges).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18].map((tenth) => Math.fround(tenth / 10)));
    expect(shares).toEqual(Array(10).fill(0.1));
  });

  test("each share is that of the values between two edges, and all shares sum to 1", () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        const { edges, shares } = describeBins(Float64Array.from(list));
        expect(edges).toEqual([...new Set(edges)].toSorted((one, other) => one - other));
        let below = 0;
        for (const [bin, share] of shares.entries()) {
          const edge = edges[bin] ?? Number.POSITIVE_INFINITY;
          const upTo = list.filter((value) => value <= edge).length;
          expect(share).toBeCloseTo((upTo - below) / list.length, 9);
          expect(share).toBeGreaterThan(0);
          below = upTo;
        }
        expect(below).toBe(list.length);
      }),
    );
  });
});

describe("a feature's range", () => {
  test("quantiles are interpolated between the nearest values, as in NumPy", () => {
    expect(describeRange(Float64Array.of(30, 10, 20, 40))).toEqual({
      minimum: 10,
      maximum: 40,
      quantiles: {
        "0.01": 10.3,
        "0.05": 11.5,
        "0.25": 17.5,
        "0.5": 25,
        "0.75": 32.5,
        "0.95": 38.5,
        "0.99": expect.closeTo(39.7, 9),
      },
    });
  });

  test("a single value is the minimum, the maximum and every quantile", () => {
    const { minimum, maximum, quantiles } = describeRange(Float64Array.of(7));
    expect(new Set([minimum, maximum, ...Object.values(quantiles)])).toEqual(new Set([7]));
  });
});

describe("importance", () => {
  const leaf: TreeNode = { kind: "leaf", value: 1 };

  test("all importances are 0 if no tree has a split", () => {
    expect(inputImportance({ baseScore: 0, trees: [leaf] }, [[0]], 2)).toEqual([0, 0]);
  });

  test("the gain of a derived feature is divided equally among its inputs", () => {
    const ensemble: Ensemble = { baseScore: 0, trees: [branch(2, 6, branch(0, 1, leaf)), leaf] };
    expect(inputImportance(ensemble, [[0], [1], [0, 1]], 3)).toEqual([4 / 7, 3 / 7, 0]);
  });
});
