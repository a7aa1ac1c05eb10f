import { readFile } from "node:fs/promises";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createIntervals } from "../../service/src/model/interval.ts";
import { fc } from "../../test/seeded-fast-check.ts";
import { selectRows } from "../src/columns.ts";
import { ModelProtoSchema } from "../src/generated/onnx_pb.ts";
import { houseFeatures } from "../src/house-features.ts";
import { inputSamples, splitDataset } from "../src/housing-samples.ts";
import { californiaGrid, gridWidth, housesOnGrid } from "../src/map-grid.ts";
import { computeMetrics } from "../src/metrics.ts";
import { housingCardSchema } from "../src/model-card.ts";
import { cardFile, modelFolder, onnxFile } from "../src/model-files.ts";
import { loadOnnxPredictor } from "../src/onnx-predictor.ts";
import { sha256 } from "../src/sha256.ts";
import { anyHouses, madeUpDataset, sliceRows } from "./made-up-houses.ts";
import { sampleDataset, testWithSampleData } from "./requires.ts";

const onnx = await readFile(path.join(modelFolder, onnxFile));
const cardText = await readFile(path.join(modelFolder, cardFile), "utf8");
const card = housingCardSchema.parse(JSON.parse(cardText));
const predict = await loadOnnxPredictor(onnx);
const predictErrors = await loadOnnxPredictor(onnx, card.interval.output);
const medianHouse = card.features.map((feature) =>
  feature.type === "number" ? (feature.quantiles?.["0.5"] ?? Number.NaN) : Number.NaN,
);

/** Expects values within the range of the data, which is from 0.15 to 5. */
function expectUsualValues(values: Float32Array): void {
  expect(values.every((value) => value > 0.14 && value < 5.1)).toBe(true);
}

function heldOutRows() {
  const dataset = sampleDataset();
  return selectRows(inputSamples(dataset), splitDataset(dataset).test);
}

describe("the committed card", () => {
  test("the committed card describes the committed ONNX file", () => {
    expect(card.version).toBe(sha256(onnx));
  });

  test("the committed card contains the facts in the ONNX file's metadata", () => {
    const [entry] = fromBinary(ModelProtoSchema, onnx).metadataProps;
    expect(entry?.key).toBe("card");
    expect(card).toMatchObject(JSON.parse(entry?.value ?? ""));
  });

  test("the committed card lists the features in model order, with importances that sum to 1", () => {
    expect(card.features.map(({ name }) => name)).toEqual(houseFeatures.map(({ name }) => name));
    const total = card.features.reduce((sum, { importance = 0 }) => sum + importance, 0);
    expect(total).toBeCloseTo(1, 9);
  });

  test("the committed model reaches R² 0.88 with a file of at most 3 MB", () => {
    expect(card.metrics.test.r2).toBeGreaterThanOrEqual(0.88);
    expect(onnx.length).toBeLessThanOrEqual(3_000_000);
  });
});

describe("the committed model", () => {
  test("the committed model predicts finite values for any houses", async () => {
    await fc.assert(
      fc.asyncProperty(anyHouses, async (houses) => {
        expect((await predict(houses)).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("a house gets the same prediction, bit for bit, alone and in a batch of any size", async () => {
    const { columns: houses } = inputSamples(madeUpDataset(5000));
    const together = await predict(houses);
    for (const size of [1, 2, 7, 31, 50, 64, 127, 128, 129, 1000, 2049]) {
      const start = 5000 - size - 3;
      const batch = await predict(sliceRows(houses, start, start + size));
      expect([...batch]).toEqual([...together.slice(start, start + size)]);
    }
    for (const [row, prediction] of together.subarray(0, 300).entries()) {
      expect((await predict(sliceRows(houses, row, row + 1)))[0]).toBe(prediction);
    }
  });

  testWithSampleData(
    "intervals of the card contain 80 % and 95 % of held-out values, within 2 points",
    async () => {
      const { columns, targets } = heldOutRows();
      const [predictions, errors] = [await predict(columns), await predictErrors(columns)];
      const { factorOf, around } = createIntervals(card.interval);
      for (const [index, level] of [0.8, 0.9, 0.95].entries()) {
        const factor = factorOf(level);
        const covered = targets.filter((target, row) => {
          const [low, high] = around(predictions[row] ?? 0, errors[row] ?? 0, factor);
          return low <= target && target <= high;
        });
        const share = covered.length / targets.length;
        expect(Math.abs(share - level), `level ${index}`).toBeLessThanOrEqual(0.02);
        expect(card.metrics.intervals[0]?.coverage[String(level)]).toBeCloseTo(share, 3);
      }
    },
  );

  test("the same house at neighbouring points of the map gets finite, similar values", async () => {
    const values = await predict(housesOnGrid(californiaGrid, medianHouse));
    const width = gridWidth(californiaGrid);
    const steps: number[] = [];
    for (const [point, value] of values.entries()) {
      if (point % width > 0) steps.push(Math.abs(value - (values[point - 1] ?? 0)));
      if (point >= width) steps.push(Math.abs(value - (values[point - width] ?? 0)));
    }
    expectUsualValues(values);
    steps.sort((one, other) => one - other);
    const quantile = (share: number) => steps[Math.floor(share * (steps.length - 1))];
    // In 100,000 USD, between points that are 0.02 degrees apart.
    expect(quantile(0.9)).toBeLessThan(0.04);
    expect(quantile(0.99)).toBeLessThan(0.28);
    expect(quantile(1)).toBeLessThan(1.9);
  }, 60_000);

  test("a house anywhere on Earth, or beyond, gets a value like those in California", async () => {
    const globe = { south: -180, north: 180, west: -400, east: 400, step: 2 };
    const values = await predict(housesOnGrid(globe, medianHouse));
    expectUsualValues(values);
  });

  testWithSampleData(
    "the committed model has the card's metrics on the held-out rows",
    async () => {
      const { columns, targets } = heldOutRows();
      expect(computeMetrics(targets, await predict(columns))).toEqual({
        r2: expect.closeTo(card.metrics.test.r2, 6),
        rmse: expect.closeTo(card.metrics.test.rmse, 6),
        mae: expect.closeTo(card.metrics.test.mae, 6),
      });
    },
  );
});
