import { fromBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import type { Ensemble } from "../src/ensemble.ts";
import { exportHousingModel } from "../src/export-housing-model.ts";
import { ModelProtoSchema } from "../src/generated/onnx_pb.ts";
import { fitHouseModel, predictHouses, treeSamples } from "../src/house-model.ts";
import { inputSamples, trainingSamples } from "../src/housing-samples.ts";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { loadOnnxPredictor, type OnnxPredictor } from "../src/onnx-predictor.ts";
import { anyHouses, madeUpDataset } from "./made-up-houses.ts";

const dataset = madeUpDataset(500);
const { columns: input } = inputSamples(dataset);

const samples = treeSamples(trainingSamples(dataset));
const rules = { ...chosenHyperparameters.prediction, trees: 15 };
const model = fitHouseModel(samples, rules, () => {});
const errorEnsemble: Ensemble = { baseScore: 0.5, trees: [{ kind: "leaf", value: 0.25 }] };

const exported = (metadata: Readonly<Record<string, string>> = {}) =>
  exportHousingModel(model, errorEnsemble, metadata);

let predict: OnnxPredictor;

beforeAll(async () => {
  predict = await loadOnnxPredictor(exported());
});

const predictorOf = (ensemble: Ensemble) =>
  loadOnnxPredictor(exportHousingModel({ ...model, ensemble }, undefined, {}));

describe("ONNX Runtime", () => {
  test("ONNX Runtime rejects bytes that are not a model", async () => {
    await expect(loadOnnxPredictor(Uint8Array.of(1, 2, 3))).rejects.toThrow(/protobuf/i);
  });

  test("ONNX Runtime and the trainer give the same predictions", async () => {
    expect(await predict(input)).toEqual(predictHouses(model, input));
  });

  test("ONNX Runtime and the trainer give the same finite predictions for any houses", async () => {
    await fc.assert(
      fc.asyncProperty(anyHouses, async (houses) => {
        const own = predictHouses(model, houses);
        const predictions = await predict(houses);
        expect(predictions.every(Number.isFinite)).toBe(true);
        for (const [row, prediction] of predictions.entries()) {
          expect(Math.abs(prediction - (own[row] ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("ONNX Runtime returns the error that the second ensemble predicts", async () => {
    const predictErrors = await loadOnnxPredictor(exported(), "MedHouseValError");
    expect(new Set(await predictErrors(input))).toEqual(new Set([0.75]));
  });

  test("trees without branches give every house the same prediction", async () => {
    const flat: Ensemble = { baseScore: 1.5, trees: [{ kind: "leaf", value: 0.25 }] };
    const predictFlat = await predictorOf(flat);
    expect(new Set(await predictFlat(input))).toEqual(new Set([1.75]));
  });

  test("a value equal to the threshold goes left, a greater value and NaN go right", async () => {
    const stump: Ensemble = {
      baseScore: 0,
      trees: [
        {
          kind: "branch",
          feature: 0,
          threshold: Math.fround(0.1),
          gain: 1,
          left: { kind: "leaf", value: -1 },
          right: { kind: "leaf", value: 1 },
        },
      ],
    };
    const predictStump = await predictorOf(stump);
    const incomes = Float32Array.of(0.1, 0.1 + 2 ** -27, Number.NaN, -1e39, 1e39);
    const others = input.slice(1).map((column) => column.slice(0, incomes.length));
    const houses = [incomes, ...others];
    expect([...(await predictStump(houses))]).toEqual([-1, 1, 1, -1, 1]);
    expect([...predictHouses({ ...model, ensemble: stump }, houses)]).toEqual([-1, 1, 1, -1, 1]);
  });
});

describe("the ONNX file", () => {
  test("the same model gives the same ONNX file", () => {
    expect(exported()).toEqual(exported());
  });

  test("the ONNX file names its producer, operator sets and metadata", () => {
    expect(fromBinary(ModelProtoSchema, exported({ key: "value" }))).toMatchObject({
      irVersion: 8n,
      producerName: "@prediction-service/model",
      producerVersion: "2.0.0",
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "ai.onnx.ml", version: 3n },
      ],
      metadataProps: [{ key: "key", value: "value" }],
    });
  });

  test("the graph takes any number of houses with eight features, and returns a prediction and an error for each", () => {
    const { graph } = fromBinary(ModelProtoSchema, exported());
    const shapes = [...(graph?.input ?? []), ...(graph?.output ?? [])].map((value) => {
      return value?.type?.value.value?.shape?.dim.map(({ value }) => value.value);
    });
    expect(shapes).toEqual([
      ["N", 8n],
      ["N", 1n],
      ["N", 1n],
    ]);
    expect(graph?.output.map(({ name }) => name)).toEqual(["MedHouseVal", "MedHouseValError"]);
  });

  test("the graph computes features only with element-wise operators, each of which rounds once", () => {
    const { graph } = fromBinary(ModelProtoSchema, exported());
    const operators = new Set(graph?.node.map(({ opType }) => opType));
    expect(operators).toEqual(
      new Set(["Gather", "Mul", "Add", "Div", "Concat", "TreeEnsembleRegressor"]),
    );
  });
});
