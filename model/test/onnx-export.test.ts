import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { boost } from "../src/boosting.ts";
import type { Columns } from "../src/columns.ts";
import { derivedFeatures } from "../src/derived-features.ts";
import { type Ensemble, predictEnsemble } from "../src/ensemble.ts";
import { exportHousingModel } from "../src/export-housing-model.ts";
import { runFeatureProgram } from "../src/feature-program.ts";
import { ModelProtoSchema } from "../src/generated/onnx_pb.ts";
import { inputSamples, trainingSamples } from "../src/housing-samples.ts";
import { chosenHyperparameters } from "../src/hyperparameters.ts";
import { loadOnnxPredictor, type OnnxPredictor } from "../src/onnx-predictor.ts";
import { anyHouses, madeUpDataset } from "./made-up-houses.ts";

const dataset = madeUpDataset(500);
const { columns: input } = inputSamples(dataset);

let ensemble: Ensemble;
let predict: OnnxPredictor;

beforeAll(async () => {
  const hyperparameters = { ...chosenHyperparameters, maxTrees: 30 };
  ensemble = boost(trainingSamples(dataset), undefined, hyperparameters, () => {});
  predict = await loadOnnxPredictor(exportHousingModel(ensemble, {}));
});

function predictOwn(model: Ensemble, houses: Columns): Float32Array {
  return predictEnsemble(model, runFeatureProgram(derivedFeatures, houses));
}

describe("ONNX Runtime", () => {
  test("ONNX Runtime rejects bytes that are not a model", async () => {
    await expect(loadOnnxPredictor(Uint8Array.of(1, 2, 3))).rejects.toThrow(/protobuf/i);
  });

  test("ONNX Runtime and the trainer give the same predictions", async () => {
    expect(await predict(input)).toEqual(predictOwn(ensemble, input));
  });

  test("ONNX Runtime and the trainer give the same finite predictions for any houses", async () => {
    await fc.assert(
      fc.asyncProperty(anyHouses, async (houses) => {
        const own = predictOwn(ensemble, houses);
        const predictions = await predict(houses);
        expect(predictions.every(Number.isFinite)).toBe(true);
        for (const [row, prediction] of predictions.entries()) {
          expect(Math.abs(prediction - (own[row] ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("trees without branches give every house the same prediction", async () => {
    const flat: Ensemble = { baseScore: 1.5, trees: [{ kind: "leaf", value: 0.25 }] };
    const predictFlat = await loadOnnxPredictor(exportHousingModel(flat, {}));
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
    const predictStump = await loadOnnxPredictor(exportHousingModel(stump, {}));
    const incomes = Float32Array.of(0.1, 0.1 + 2 ** -27, Number.NaN, -1e39, 1e39);
    const others = input.slice(1).map((column) => column.slice(0, incomes.length));
    const houses = [incomes, ...others];
    expect([...(await predictStump(houses))]).toEqual([-1, 1, 1, -1, 1]);
    expect([...predictOwn(stump, houses)]).toEqual([-1, 1, 1, -1, 1]);
  });
});

describe("the ONNX file", () => {
  test("the same model gives the same ONNX file", () => {
    expect(exportHousingModel(ensemble, {})).toEqual(exportHousingModel(ensemble, {}));
  });

  test("the ONNX file names its producer, operator sets and metadata", () => {
    const model = fromBinary(ModelProtoSchema, exportHousingModel(ensemble, { key: "value" }));
    expect(model).toMatchObject({
      irVersion: 8n,
      producerName: "@prediction-service/model",
      producerVersion: "1.0.0",
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "ai.onnx.ml", version: 3n },
      ],
      metadataProps: [{ key: "key", value: "value" }],
    });
  });

  test("the graph takes any number of houses with eight features, and returns one prediction each", () => {
    const { graph } = fromBinary(ModelProtoSchema, exportHousingModel(ensemble, {}));
    const shapes = [graph?.input[0], graph?.output[0]].map((value) => {
      return value?.type?.value.value?.shape?.dim.map(({ value }) => value.value);
    });
    expect(shapes).toEqual([
      ["N", 8n],
      ["N", 1n],
    ]);
  });

  test("the graph computes features with element-wise operators only, which each round once", () => {
    const { graph } = fromBinary(ModelProtoSchema, exportHousingModel(ensemble, {}));
    const operators = new Set(graph?.node.map(({ opType }) => opType));
    expect(operators).toEqual(
      new Set(["Gather", "Mul", "Add", "Div", "Concat", "TreeEnsembleRegressor"]),
    );
  });
});
