import type { Locations } from "../../service/src/playground/locations.ts";
import { selectRows } from "./columns.ts";
import type { IntervalFit } from "./conformal.ts";
import { measureCoverage } from "./coverage.ts";
import type { Dataset } from "./dataset.ts";
import { treeFeatures } from "./derived-features.ts";
import { countLeaves, type Ensemble, predictEnsemble } from "./ensemble.ts";
import { runFeatureProgram } from "./feature-program.ts";
import {
  describeBins,
  describeRange,
  type FeatureBins,
  inputImportance,
} from "./feature-statistics.ts";
import { errorOutput, houseFeatures, target } from "./house-features.ts";
import type { HouseModel } from "./house-model.ts";
import { inputSamples, seed, splitDataset, testFraction } from "./housing-samples.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { summarizeLocations } from "./locations.ts";
import { computeMetrics } from "./metrics.ts";
import type { FeatureFacts, ModelFacts } from "./model-card.ts";
import { modelName } from "./model-files.ts";

/**
 * Collects what the model card says about a model: how it was trained and how well it predicts.
 */
export function describeModel(
  { program, ensemble }: HouseModel,
  { ensemble: errorEnsemble, ...interval }: IntervalFit,
  dataset: Dataset,
  hyperparameters: Hyperparameters,
): ModelFacts {
  const { train, test } = splitDataset(dataset);
  const evaluate = (rows: Int32Array) => {
    const houses = selectRows(inputSamples(dataset), rows);
    const columns = runFeatureProgram(program, houses.columns);
    return { houses, columns, predictions: predictEnsemble(ensemble, columns) };
  };
  const [trained, heldOut] = [evaluate(train), evaluate(test)];
  const errors = predictEnsemble(errorEnsemble, heldOut.columns);
  return {
    name: modelName,
    description:
      "Median house value of a Californian census block group in 1990, by gradient boosted regression trees on eight features and on rotated coordinates, bedrooms per room and the neighbourhood, which the model derives from them",
    data: { ...dataset.identity },
    split: {
      method: "scikit-learn train_test_split",
      seed,
      testFraction,
      trainRows: train.length,
      testRows: test.length,
    },
    metrics: {
      train: computeMetrics(trained.houses.targets, trained.predictions),
      test: computeMetrics(heldOut.houses.targets, heldOut.predictions),
      intervals: measureCoverage(heldOut.houses, heldOut.predictions, (row, level) => {
        const factor = interval.factors[String(level)] ?? Number.NaN;
        return factor * Math.max(interval.minimumError, errors[row] ?? 0);
      }),
    },
    hyperparameters: {
      prediction: { ...hyperparameters.prediction },
      error: { ...hyperparameters.error },
      trees: ensemble.trees.length,
      leaves: countLeaves(ensemble),
    },
    target: {
      name: target.name,
      description: target.description,
      unit: target.unit,
      output: target.name,
    },
    interval: { output: errorOutput, ...interval },
    features: describeFeatures(ensemble, dataset, train),
  };
}

/** Divides the training rows of each feature into bins. */
export function describeTrainingBins(dataset: Dataset): FeatureBins[] {
  const { train } = splitDataset(dataset);
  return houseFeatures.map((_, column) => describeBins(trainingValues(dataset, column, train)));
}

/** Summarizes the training rows by location. */
export function describeLocations(dataset: Dataset): Locations | undefined {
  const { train } = splitDataset(dataset);
  const features = houseFeatures.map(({ name }, column) => ({
    name,
    values: trainingValues(dataset, column, train),
  }));
  const targets = Float64Array.from(train, (row) => dataset.targets[row] ?? 0);
  return summarizeLocations(features, targets);
}

function trainingValues(dataset: Dataset, column: number, rows: Int32Array): Float64Array {
  const values = dataset.features[column] ?? new Float64Array();
  return Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
}

function describeFeatures(ensemble: Ensemble, dataset: Dataset, rows: Int32Array): FeatureFacts[] {
  const importance = inputImportance(
    ensemble,
    treeFeatures.map(({ sources }) => sources),
    houseFeatures.length,
  );
  return houseFeatures.map(({ name, description, unit }, column) => {
    return {
      name,
      description,
      unit,
      ...describeRange(trainingValues(dataset, column, rows)),
      importance: importance[column] ?? 0,
    };
  });
}
