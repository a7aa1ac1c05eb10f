import type * as z from "zod";
import { type BoostingObserver, boost, findTreeCount } from "./boosting.ts";
import { type Samples, selectRows } from "./columns.ts";
import type { Dataset } from "./dataset.ts";
import { DERIVED_FEATURES, TREE_FEATURES } from "./derived-features.ts";
import { digest } from "./download.ts";
import { countLeaves, type Ensemble, predictEnsemble } from "./ensemble.ts";
import { runFeatureProgram } from "./feature-program.ts";
import { describeRange, inputImportance } from "./feature-statistics.ts";
import { HOUSE_FEATURES, TARGET } from "./house-features.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { computeMetrics } from "./metrics.ts";
import type { modelCardSchema, modelFactsSchema } from "./model-card.ts";
import { exportOnnx } from "./onnx-export.ts";
import { type ProgressReporter, type ProgressStream, withProgress } from "./progress.ts";
import { type Split, trainTestSplit } from "./split.ts";

const NAME = "california-housing";

/** Share of the rows that no choice ever sees. */
const TEST_FRACTION = 0.33;

/** Written into the ONNX file: a new version makes new bytes. */
const PRODUCER = { name: "@prediction-service/model", version: "1.0.0" };

/** A trained model, ready to be written. */
export type TrainedModel = {
  readonly onnx: Uint8Array;
  readonly card: z.infer<typeof modelCardSchema>;
};

/**
 * Trains the model on the training rows, evaluates it, and describes it: looks for the number of
 * trees by early stopping, then fits that many to all training rows. The same data and
 * hyper-parameters always give the same bytes.
 *
 * @param stream - where progress is shown
 * @throws Error when a feature is infinite or not a number
 */
export async function trainModel(
  dataset: Dataset,
  hyperparameters: Hyperparameters,
  stream: ProgressStream,
): Promise<TrainedModel> {
  const split = splitDataset(dataset, hyperparameters.seed);
  const samples = deriveSamples(dataset);
  const training = selectRows(samples, split.train);
  const maxTrees = await withProgress(stream, "search", (report) =>
    findTreeCount(training, hyperparameters, showBoosting(report)),
  );
  const ensemble = await withProgress(stream, "fit", (report) =>
    boost(training, undefined, { ...hyperparameters, maxTrees }, showBoosting(report)),
  );

  const facts: z.infer<typeof modelFactsSchema> = {
    name: NAME,
    description:
      "Median house value of a Californian census block group in 1990, by gradient boosted regression trees on eight features and on rotated coordinates, distances to cities and ratios that the model computes from them",
    data: { ...dataset.identity },
    split: {
      method: "scikit-learn train_test_split",
      seed: hyperparameters.seed,
      testFraction: TEST_FRACTION,
      trainRows: split.train.length,
      testRows: split.test.length,
    },
    metrics: {
      train: evaluate(ensemble, training),
      test: evaluate(ensemble, selectRows(samples, split.test)),
    },
    hyperparameters: {
      ...hyperparameters,
      trees: ensemble.trees.length,
      leaves: countLeaves(ensemble),
    },
    target: { name: TARGET.name, description: TARGET.description, unit: TARGET.unit },
    features: describeFeatures(dataset, split, ensemble),
  };
  const onnx = exportOnnx({
    name: NAME,
    producer: PRODUCER,
    features: DERIVED_FEATURES,
    inputColumns: HOUSE_FEATURES.length,
    ensemble,
    output: TARGET.name,
    metadata: { card: JSON.stringify(facts) },
  });
  const { name, ...rest } = facts;
  return { onnx, card: { name, version: digest(onnx), ...rest } };
}

function showBoosting(report: ProgressReporter): BoostingObserver {
  const start = performance.now();
  return function show({ trees, maxTrees, trainingRmse, validationRmse }) {
    const secondsLeft = ((performance.now() - start) / 1000 / trees) * (maxTrees - trees);
    const validation =
      validationRmse === undefined ? "" : ` validation ${validationRmse.toFixed(4)}`;
    const errors = `RMSE training ${trainingRmse.toFixed(4)}${validation}`;
    report(trees / maxTrees, `tree ${trees} ${errors} ${Math.ceil(secondsLeft)} s left`);
  };
}

/** The split of a data set into training rows and rows held out. */
export function splitDataset(dataset: Dataset, seed: number): Split {
  return trainTestSplit(dataset.targets.length, TEST_FRACTION, seed);
}

/** The model's float32 input for all rows, by columns. */
export function modelInput(dataset: Dataset): readonly Float32Array[] {
  return dataset.features.map((feature) => Float32Array.from(feature));
}

/** All rows with the features that trees split on. */
export function deriveSamples(dataset: Dataset): Samples {
  return {
    columns: runFeatureProgram(DERIVED_FEATURES, modelInput(dataset)),
    targets: dataset.targets,
  };
}

function evaluate(ensemble: Ensemble, { columns, targets }: Samples) {
  return computeMetrics(targets, predictEnsemble(ensemble, columns));
}

function describeFeatures(dataset: Dataset, split: Split, ensemble: Ensemble) {
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
      ...describeRange(Float64Array.from(split.train, (row) => values[row] ?? Number.NaN)),
      importance: importance[column] ?? 0,
    };
  });
}
