import { type Samples, selectRows } from "./columns.ts";
import type { Dataset } from "./dataset.ts";
import { TREE_FEATURES } from "./derived-features.ts";
import { countLeaves, type Ensemble, predictEnsemble } from "./ensemble.ts";
import { describeRange, inputImportance } from "./feature-statistics.ts";
import { HOUSE_FEATURES, TARGET } from "./house-features.ts";
import { SEED, splitDataset, TEST_FRACTION, treeSamples } from "./housing-samples.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { computeMetrics, type Metrics } from "./metrics.ts";
import type { FeatureFacts, ModelFacts } from "./model-card.ts";
import { MODEL_NAME } from "./model-files.ts";

/** What the model card says of an ensemble: how it came about, and how well it predicts. */
export function describeModel(
  ensemble: Ensemble,
  dataset: Dataset,
  hyperparameters: Hyperparameters,
): ModelFacts {
  const { train, test } = splitDataset(dataset);
  const samples = treeSamples(dataset);
  return {
    name: MODEL_NAME,
    description:
      "Median house value of a Californian census block group in 1990, by gradient boosted regression trees on eight features and on rotated coordinates and bedrooms per room, which the model computes from them",
    data: { ...dataset.identity },
    split: {
      method: "scikit-learn train_test_split",
      seed: SEED,
      testFraction: TEST_FRACTION,
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
    target: { name: TARGET.name, description: TARGET.description, unit: TARGET.unit },
    features: describeFeatures(ensemble, dataset, train),
  };
}

function evaluate(ensemble: Ensemble, samples: Samples, rows: Int32Array): Metrics {
  const { columns, targets } = selectRows(samples, rows);
  return computeMetrics(targets, predictEnsemble(ensemble, columns));
}

function describeFeatures(ensemble: Ensemble, dataset: Dataset, rows: Int32Array): FeatureFacts[] {
  const importance = inputImportance(
    ensemble,
    TREE_FEATURES.map(({ sources }) => sources),
    HOUSE_FEATURES.length,
  );
  return HOUSE_FEATURES.map(({ name, description, unit }, column) => {
    const values = dataset.features[column] ?? new Float64Array();
    return {
      name,
      description,
      unit,
      ...describeRange(Float64Array.from(rows, (row) => values[row] ?? Number.NaN)),
      importance: importance[column] ?? 0,
    };
  });
}
