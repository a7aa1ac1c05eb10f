import { readFile } from "node:fs/promises";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectRows } from "../src/columns.ts";
import { derivedFeatures } from "../src/derived-features.ts";
import { predictEnsemble } from "../src/ensemble.ts";
import { runFeatureProgram } from "../src/feature-program.ts";
import { ModelProtoSchema } from "../src/generated/onnx_pb.ts";
import { houseFeatures } from "../src/house-features.ts";
import { inputSamples, splitDataset } from "../src/housing-samples.ts";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { computeMetrics } from "../src/metrics.ts";
import { housingCardSchema } from "../src/model-card.ts";
import { cardFile, modelFolder, onnxFile } from "../src/model-files.ts";
import { loadOnnxPredictor } from "../src/onnx-predictor.ts";
import { sha256 } from "../src/sha256.ts";
import { type TrainedModel, trainModel } from "../src/train-model.ts";
import { anyHouses, madeUpDataset, sliceRows } from "./made-up-houses.ts";
import { sampleDataset, testWithSampleData } from "./requires.ts";

const trainingTimeoutMs = 90_000;

const onnx = await readFile(path.join(modelFolder, onnxFile));
const cardText = await readFile(path.join(modelFolder, cardFile), "utf8");
const card = housingCardSchema.parse(JSON.parse(cardText));
const predict = await loadOnnxPredictor(onnx);

let training: Promise<TrainedModel> | undefined;

/** Trains the model again, once for all tests. */
function retrain(): Promise<TrainedModel> {
  training ??= trainModel(sampleDataset(), chosenHyperparameters, { write() {} });
  return training;
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

  test("the committed model reaches R² 0.85 with at most 300 trees and 12,800 leaves", () => {
    expect(card.metrics.test.r2).toBeGreaterThanOrEqual(0.85);
    const { trees, leaves } = card.hyperparameters;
    expect(trees).toBeLessThanOrEqual(300);
    expect(leaves).toBeLessThanOrEqual(12_800);
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

describe("retraining", () => {
  testWithSampleData(
    "retraining on the same data gives the committed files, byte for byte",
    async () => {
      const retrained = await retrain();
      expect(sha256(retrained.onnx)).toBe(sha256(onnx));
      expect(`${JSON.stringify(retrained.card, null, 2)}\n`).toBe(cardText);
    },
    trainingTimeoutMs,
  );

  testWithSampleData(
    "the retrained ensemble predicts every held-out row like ONNX Runtime does",
    async () => {
      const { ensemble } = await retrain();
      const { columns } = heldOutRows();
      const own = predictEnsemble(ensemble, runFeatureProgram(derivedFeatures, columns));
      const differences = (await predict(columns)).map((value, row) => {
        return Math.abs(value - (own[row] ?? Number.NaN));
      });
      expect(differences).toHaveLength(6812);
      expect(Math.max(...differences)).toBeLessThanOrEqual(1e-5);
    },
    trainingTimeoutMs,
  );

  testWithSampleData(
    "the retrained ensemble predicts any houses like ONNX Runtime does",
    async () => {
      const { ensemble } = await retrain();
      await fc.assert(
        fc.asyncProperty(anyHouses, async (houses) => {
          const own = predictEnsemble(ensemble, runFeatureProgram(derivedFeatures, houses));
          for (const [row, value] of (await predict(houses)).entries()) {
            expect(Math.abs(value - (own[row] ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
          }
        }),
        { numRuns: 300 },
      );
    },
    trainingTimeoutMs,
  );
});
