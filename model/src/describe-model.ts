import { type Samples, selectRows } from "./columns.ts";
import type { Dataset } from "./dataset.ts";
import { treeFeatures } from "./derived-features.ts";
import { countLeaves, type Ensemble, predictEnsemble } from "./ensemble.ts";
import {
  describeBins,
  describeRange,
  type FeatureBins,
  inputImportance,
} from "./feature-statistics.ts";
import { houseFeatures, target } from "./house-features.ts";
import { seed, splitDataset, testFraction, treeSamples } from "./housing-samples.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { computeMetrics, type Metrics } from "./metrics.ts";
import type { FeatureFacts, ModelFacts } from "./model-card.ts";
import { modelName } from "./model-files.ts";

/**
 * Collects what the model card says about an ensemble: how it was trained and how well it predicts.
 */
export function describeModel(
  ensemble: Ensemble,
  dataset: Dataset,
  hyperparameters: Hyperparameters,
): ModelFacts {
  const { train, test } = splitDataset(dataset);
  const samples = treeSamples(dataset);
  return {
    name: modelName,
    description:
      "Median house value of a Californian census block group in 1990, by gradient boosted regression trees on eight features and on rotated coordinates and bedrooms per room, which the model computes from them",
    data: { ...dataset.identity },
    split: {
      method: "scikit-learn train_test_split",
      seed,
      testFraction,
      trainRows: train.length,
      testRows: test.length,
    },
    metrics: {
      train: evaluate(ensemble, samples, train),
      test: evaluate(ensemble, samples, test),
    },
    hyperparameters: {
      ...hyperparameters,
      trees: ensemble.trees.length,
      leaves: countLeaves(ensemble),
    },
    target: { name: target.name, description: target.description, unit: target.unit },
    features: describeFeatures(ensemble, dataset, train),
  };
}

/** Divides the training rows of each feature into bins. */
export function describeTrainingBins(dataset: Dataset): FeatureBins[] {
  const { train } = splitDataset(dataset);
  return houseFeatures.map((_, column) => describeBins(trainingValues(dataset, column, train)));
}

function trainingValues(dataset: Dataset, column: number, rows: Int32Array): Float64Array {
  const values = dataset.features[column] ?? new Float64Array();
  return Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
}

function evaluate(ensemble: Ensemble, samples: Samples, rows: Int32Array): Metrics {
  const { columns, targets } = selectRows(samples, rows);
  return computeMetrics(targets, predictEnsemble(ensemble, columns));
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
