import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { ModelCard } from "../src/model/card.ts";
import {
  type DriftCounts,
  DriftWindow,
  reportDrift,
  stabilityIndex,
} from "../src/telemetry/drift.ts";
import type { MetricName } from "../src/telemetry/metric-table.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { house, houseCard } from "./house-model.ts";

type Features = ModelCard["features"];
type Target = ModelCard["target"];

const one = { outputs: 1 };

function windowOf(features: Features, records = 1_000, random?: () => number): DriftWindow {
  return new DriftWindow({ features }, one, random ? { records, random } : { records });
}

/** Counts single records, each with the prediction 0. */
function countAll(window: DriftWindow, rows: readonly (readonly number[])[]): void {
  for (const row of rows) window.count(Float32Array.from(row), Float32Array.of(0));
}

/** The values of a metric by feature or output. */
interface Values {
  readonly x?: number;
  readonly flag?: number;
  readonly color?: number;
  readonly [label: string]: number | undefined;
}

/** What `/metrics` says about windows. */
function driftOf(features: Features, windows: readonly DriftCounts[], target: Target = {}) {
  const reports = reportDrift({ features, target }, windows);
  function valuesOf(name: MetricName): Values | undefined {
    const report = reports.find((each) => each.name === name);
    const entries = report?.values.map(
      ({ labels, value }) => [Object.values(labels).join(), value] as const,
    );
    return entries && Object.fromEntries(entries);
  }
  return {
    records: valuesOf("prediction_drift_records"),
    psi: valuesOf("prediction_drift_psi"),
    outside: valuesOf("prediction_drift_outside_range_ratio"),
    featureOutside: valuesOf("prediction_drift_feature_outside_range_ratio"),
    mean: valuesOf("prediction_drift_mean"),
  };
}

/** In the training rows, values are uniform from 0 to 100. */
const uniform = {
  name: "x",
  type: "number",
  minimum: 0,
  maximum: 100,
  bins: { edges: [10, 20, 30, 40, 50, 60, 70, 80, 90], shares: Array<number>(10).fill(0.1) },
  example: 1,
} as const satisfies Features[number];

describe("the population stability index", () => {
  test("the population stability index is 0 if the shares are as expected, for any number of records", () => {
    expect(stabilityIndex([1, 2, 1], [0.25, 0.5, 0.25])).toBe(0);
    expect(stabilityIndex([1_000, 2_000, 1_000], [0.25, 0.5, 0.25])).toBe(0);
  });

  test("the population stability index is the sum of (actual − expected) · ln(actual / expected)", () => {
    // Calculated by hand: −0.1 · ln(0.4 / 0.5) + 0.1 · ln(0.6 / 0.5)
    expect(stabilityIndex([40, 60], [0.5, 0.5])).toBeCloseTo(0.0405465, 7);
    // Calculated by hand: 0.3 · ln(0.8 / 0.5) − 0.3 · ln(0.2 / 0.5)
    expect(stabilityIndex([80, 20], [0.5, 0.5])).toBeCloseTo(0.4158883, 7);
  });

  test("in the population stability index, an empty bin counts as a share of 0.0001", () => {
    const empty = (0.0001 - 0.5) * Math.log(0.0001 / 0.5) + 0.5 * Math.log(2);
    expect(stabilityIndex([0, 10], [0.5, 0.5])).toBeCloseTo(empty, 12);
    expect(stabilityIndex([5, 5], [0, 1])).toBeCloseTo(
      (0.5 - 0.0001) * Math.log(0.5 / 0.0001) - 0.5 * Math.log(0.5),
      12,
    );
  });
});

describe("a feature whose distribution shifts", () => {
  const spread = (count: number, from: number, to: number) =>
    Array.from({ length: count }, (_, index) => [from + ((index + 0.5) * (to - from)) / count]);

  test("a feature has the index 0 for the training rows, and more than 0.2 for other records", () => {
    const window = windowOf([uniform]);
    countAll(window, spread(1_000, 0, 100));
    expect(driftOf([uniform], [window.counts()]).psi).toEqual({ x: expect.closeTo(0, 9) });
    countAll(window, spread(500, 50, 100));
    const { psi, records } = driftOf([uniform], [window.counts()]);
    expect(records).toEqual({ "": 1_000 });
    expect(psi?.x).toBeGreaterThan(0.2);
  });

  test("the drift window contains only the last records", () => {
    const window = windowOf([uniform]);
    countAll(window, spread(5_000, 90, 100));
    expect(driftOf([uniform], [window.counts()]).psi?.x).toBeGreaterThan(5);
    countAll(window, spread(1_000, 0, 100));
    expect(driftOf([uniform], [window.counts()]).psi).toEqual({ x: expect.closeTo(0, 9) });
  });

  test("values outside the training range are in the outermost bins, and are counted separately", () => {
    const window = windowOf([uniform]);
    countAll(window, [...spread(800, 0, 100), ...spread(100, -50, -1), ...spread(100, 101, 1e9)]);
    const { psi, featureOutside, outside } = driftOf([uniform], [window.counts()]);
    expect(psi?.x).toBeCloseTo(2 * (0.08 * Math.log(1.8)) + 8 * (-0.02 * Math.log(0.8)), 9);
    expect(featureOutside).toEqual({ x: 0.2 });
    expect(outside).toEqual({ "": 0.2 });
  });

  test("the index of a feature is reported only with 50 records for each bin", () => {
    const window = windowOf([uniform]);
    countAll(window, spread(499, 0, 100));
    expect(driftOf([uniform], [window.counts()]).psi).toBeUndefined();
    countAll(window, spread(1, 0, 100));
    expect(driftOf([uniform], [window.counts()]).psi).toBeDefined();
  });
});

describe("other features", () => {
  const colors = ["blue", "green", "red"];
  const features: Features = [
    { name: "flag", type: "boolean", shares: { true: 0.25, false: 0.75 }, example: true },
    {
      name: "color",
      type: "category",
      categories: colors,
      shares: { green: 0.5, red: 0.5 },
      example: "red",
    },
    { name: "unknown", type: "integer", example: 1 },
  ];

  test("booleans and categories are counted by value", () => {
    const window = windowOf(features);
    const rows = Array.from({ length: 400 }, (_, index) => [
      Number(index % 4 === 0),
      1 + (index % 2),
      index,
    ]);
    countAll(window, rows);
    const same = driftOf(features, [window.counts()]);
    expect(same.psi).toEqual({ flag: 0, color: expect.closeTo(0, 3) });
    countAll(
      window,
      rows.map(([flag = 0]) => [1 - flag, 0, 1e30]),
    );
    const shifted = driftOf(features, [window.counts()]);
    expect(shifted.psi?.flag).toBeCloseTo(stabilityIndex([400, 400], [0.75, 0.25]), 9);
    expect(shifted.psi?.color).toBeCloseTo(stabilityIndex([400, 200, 200], [0, 0.5, 0.5]), 9);
    expect(shifted.featureOutside).toEqual({ flag: 0, color: 0, unknown: 0 });
  });

  test("a feature can have more than 256 categories", () => {
    const categories = Array.from({ length: 300 }, (_, index) => String(index));
    const feature: Features[number] = { name: "c", type: "category", categories, example: "0" };
    const window = windowOf([feature]);
    countAll(window, [[299], [43], [299]]);
    const { bins } = window.counts();
    expect([bins[300], bins[44], bins.reduce((sum, count) => sum + count)]).toEqual([2, 1, 3]);
  });
});

describe("lists", () => {
  const index: Features[number] = { name: "index", type: "number", example: 1 };

  test("a list of 128 records is counted as a whole", () => {
    const window = windowOf([index]);
    window.count(new Float32Array(128), new Float32Array(128));
    expect(window.counts().records).toBe(128);
  });

  test.each([0, 0.5, 0.999_999])(
    "of a longer list, 128 records are counted, at equal distances from a random start (%s)",
    (random) => {
      const rows = 100_000;
      const window = windowOf([index], 10_000, () => random);
      const values = Float32Array.from({ length: rows }, (_, row) => row);
      window.count(values, values);
      const { records, sums } = window.counts();
      expect(records).toBe(128);
      const step = rows / 128;
      const sampled = Array.from({ length: 128 }, (_, each) => Math.floor((random + each) * step));
      expect(sums).toEqual([sampled.reduce((sum, row) => sum + row)]);
    },
  );
});

describe("the mean prediction", () => {
  const target: Target = { name: "price" };

  test("the mean prediction is that of the last records, without infinities and NaN", () => {
    const window = windowOf([uniform], 3);
    for (const prediction of [100, 1, Number.NaN, 3, 1, Number.POSITIVE_INFINITY, 5]) {
      window.count(Float32Array.of(1), Float32Array.of(prediction));
    }
    expect(driftOf([uniform], [window.counts()], target).mean).toEqual({ price: 3 });
  });

  test("each number of a prediction has its own mean, by name if the names differ", () => {
    const window = new DriftWindow({ features: [uniform] }, { outputs: 2 }, { records: 10 });
    window.count(Float32Array.of(1, 1), Float32Array.of(0.25, 0.75, 0.5, 0.5));
    const counts = [window.counts()];
    const mean = (outputs?: string[]) =>
      driftOf([uniform], counts, outputs ? { outputs } : {}).mean;
    expect(mean(["no", "yes"])).toEqual({ no: 0.375, yes: 0.625 });
    expect(mean(["same", "same"])).toEqual({ 0: 0.375, 1: 0.625 });
    expect(mean()).toEqual({ 0: 0.375, 1: 0.625 });
  });

  test("predictions with more than 32 numbers have no mean", () => {
    const window = new DriftWindow({ features: [uniform] }, { outputs: 33 }, { records: 10 });
    window.count(Float32Array.of(1), new Float32Array(33));
    expect(driftOf([uniform], [window.counts()]).mean).toBeUndefined();
  });
});

test("without records, only their number is reported as drift", () => {
  expect(driftOf([uniform], [windowOf([uniform]).counts()])).toEqual({
    ...{ psi: undefined, outside: undefined, featureOutside: undefined, mean: undefined },
    records: { "": 0 },
  });
});

test("the windows of several processes are added before the index is computed", () => {
  const low = windowOf([uniform]);
  const high = windowOf([uniform]);
  const both = windowOf([uniform]);
  for (let row = 0; row < 400; row++) {
    countAll(row < 200 ? low : high, [[row / 4]]);
    countAll(both, [[row / 4]]);
  }
  countAll(high, [[1e9]]);
  countAll(both, [[1e9]]);
  countAll(high, Array(200).fill([1]));
  countAll(both, Array(200).fill([1]));
  const sum = driftOf([uniform], [low.counts(), high.counts()]);
  expect(sum.psi).toBeDefined();
  expect(sum).toEqual(driftOf([uniform], [both.counts()]));
});

describe("the committed card", () => {
  /** A slow and straightforward computation of the index, from all values of a window. */
  function referenceIndex(feature: Features[number], values: readonly number[]): number {
    if (!("bins" in feature) || feature.bins === undefined) throw new Error("no bins");
    const { edges, shares } = feature.bins;
    const bounds = [...edges, Number.POSITIVE_INFINITY];
    return shares.reduce((sum, expected, bin) => {
      const lower = bounds[bin - 1] ?? Number.NEGATIVE_INFINITY;
      const upper = bounds[bin] ?? Number.NaN;
      const inBin = values.filter((value) => value > lower && value <= upper).length;
      const actual = Math.max(0.0001, inBin / values.length);
      const share = Math.max(0.0001, expected);
      return sum + (actual - share) * Math.log(actual / share);
    }, 0);
  }

  test("for any records, the drift is that of a straightforward computation", () => {
    const { features } = houseCard;
    const value = (feature: Features[number]) => {
      if (!("minimum" in feature)) throw new Error("no range");
      const { minimum = 0, maximum = 0, bins } = feature;
      return fc.oneof(
        fc.constantFrom(minimum, maximum, ...(bins?.edges ?? [])),
        fc.double({ min: minimum - 1, max: maximum + 1, noNaN: true }),
      );
    };
    const record = fc.tuple(...features.map(value)).map((row) => row.map(Math.fround));
    fc.assert(
      fc.property(fc.array(record, { minLength: 30, maxLength: 60 }), (rows) => {
        // The window is full of other records before.
        const window = windowOf(features, 20 * rows.length);
        const repeated = Array.from({ length: 20 }, () => rows).flat();
        countAll(window, [...repeated.map((row) => row.map(() => 0)), ...repeated]);
        const { psi, featureOutside, outside } = driftOf(features, [window.counts()]);
        const isOutside = (feature: Features[number], cell: number) => {
          if (!("minimum" in feature)) throw new Error("no range");
          const { minimum = 0, maximum = 0 } = feature;
          return cell < Math.fround(minimum) || cell > Math.fround(maximum);
        };
        for (const [column, feature] of features.entries()) {
          const values = rows.map((row) => row[column] ?? Number.NaN);
          expect(psi?.[feature.name]).toBeCloseTo(referenceIndex(feature, values), 9);
          const outsideRows = values.filter((cell) => isOutside(feature, cell)).length;
          expect(featureOutside?.[feature.name]).toBeCloseTo(outsideRows / rows.length, 9);
        }
        const anyOutside = rows.filter((row) =>
          features.some((feature, column) => isOutside(feature, row[column] ?? 0)),
        ).length;
        expect(outside?.[""]).toBeCloseTo(anyOutside / rows.length, 9);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the bins of a card", () => {
  const cardWith = (bins: unknown) =>
    ModelCard.safeParse({
      name: "m",
      version: "0".repeat(64),
      features: [{ name: "x", example: 1, bins }],
    }).error?.issues.map(({ path, message }) => `${path.slice(2).join(" ")}: ${message}`);

  test("a card without bins is valid, and so is a card with one bin", () => {
    expect(cardWith(undefined)).toBeUndefined();
    expect(cardWith({ edges: [], shares: [1] })).toBeUndefined();
  });

  test.each([
    [
      { edges: [2, 1], shares: [0.5, 0.25, 0.25] },
      "bins edges: each must be larger than the one before it",
    ],
    [
      { edges: [1, 1], shares: [0.5, 0.25, 0.25] },
      "bins edges: each must be larger than the one before it",
    ],
    [{ edges: [1], shares: [1] }, "bins shares: there must be 2, one more than edges, not 1"],
    [{ edges: [1], shares: [0.5, 0.25] }, "bins shares: the sum must be 1, not 0.75"],
  ])("a card with the bins %j is rejected", (bins, message) => {
    expect(cardWith(bins)).toEqual([message]);
  });
});

describe("predictions over HTTP", () => {
  test("for drift, each computed record is counted once, and no rejected or failed one", async () => {
    const drift = new DriftWindow(houseCard, one, { records: 100 });
    const app = appUnderTest({ drift, metrics: new Metrics() });
    await post(app, "/bulk_predict", { houses: [house, { ...house, MedInc: 99 }] });
    await post(app, "/predict", { ...house, MedInc: 1 });
    await post(app, "/predict", { ...house, MedInc: -1 });
    const { records, outside, sums } = drift.counts();
    expect({ records, outside }).toEqual({ records: 3, outside: 1 });
    expect(sums[0]).toBeCloseTo(house.MedInc + 99 + 1, 4);
    const text = await (await app.request("/metrics")).text();
    expect(text).toContain("prediction_drift_records 3\n");
  });

  test("for drift, requests that share one computation are counted once", async () => {
    const drift = new DriftWindow(houseCard, one, { records: 100 });
    const app = appUnderTest({ drift });
    await Promise.all([post(app, "/predict", house), post(app, "/predict", house)]);
    expect(drift.counts().records).toBe(1);
  });
});
