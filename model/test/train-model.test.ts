import { describe, expect, test } from "vitest";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { housingCardSchema } from "../src/model-card.ts";
import { sha256 } from "../src/sha256.ts";
import { trainModel } from "../src/train-model.ts";
import { madeUpDataset } from "./made-up-houses.ts";

const { prediction, error } = chosenHyperparameters;
const hyperparameters = {
  prediction: { ...prediction, trees: 10 },
  error: { ...error, trees: 5 },
};
const silent = { write() {} };

describe("training", () => {
  test("training rejects data with a value that is not finite", async () => {
    const dataset = madeUpDataset(300);
    dataset.features[2]?.fill(Number.POSITIVE_INFINITY);
    await expect(trainModel(dataset, hyperparameters, silent)).rejects.toThrow(
      "a feature has a value that is not finite",
    );
  });

  test("the same data gives the same bytes", async () => {
    const first = await trainModel(madeUpDataset(300), hyperparameters, silent);
    const second = await trainModel(madeUpDataset(300), hyperparameters, silent);
    expect(second.onnx).toEqual(first.onnx);
    expect(second.card).toEqual(first.card);
  });

  test("different data or hyperparameters give different bytes", async () => {
    const versions = await Promise.all([
      trainModel(madeUpDataset(300), hyperparameters, silent),
      trainModel(madeUpDataset(300, 2), hyperparameters, silent),
      trainModel(
        madeUpDataset(300),
        { ...hyperparameters, prediction: { ...prediction, trees: 10, shrinkage: 0.2 } },
        silent,
      ),
      trainModel(madeUpDataset(300), { ...hyperparameters, error: { ...error, trees: 6 } }, silent),
    ]);
    expect(new Set(versions.map(({ card }) => card.version)).size).toBe(4);
  });

  test("a trained model has a valid card that describes it", async () => {
    const { onnx, card, model } = await trainModel(madeUpDataset(300), hyperparameters, silent);
    expect(housingCardSchema.parse(card)).toEqual(card);
    expect(card.version).toBe(sha256(onnx));
    expect(card.split).toMatchObject({ trainRows: 201, testRows: 99, seed: 42 });
    expect(card.hyperparameters).toMatchObject({ trees: 20, prediction: { trees: 10 } });
    expect(model.ensemble.trees).toHaveLength(20);
    expect(card.interval).toMatchObject({ output: "MedHouseValError" });
    expect(card.metrics.intervals[0]).toMatchObject({ houses: "all", rows: 99 });
  });

  test("training shows the number of trees, the error and the time left", async () => {
    const lines: string[] = [];
    await trainModel(madeUpDataset(300), hyperparameters, {
      write: (text: string) => lines.push(text),
    });
    expect(lines[0]).toMatch(/^fit {2}10 % tree 2 of 10: RMSE \d\.\d{4}, \d+ s left\n$/);
    expect(lines.at(-1)).toMatch(/^intervals 100 % tree 5 of 5: RMSE \d\.\d{4}, 0 s left\n$/);
  });
});
