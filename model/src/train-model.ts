import { coversOf } from "../../service/src/explain/covers.ts";
import { type BoostingObserver, boost, findTreeCount } from "./boosting.ts";
import { createCard } from "./create-card.ts";
import type { Dataset } from "./dataset.ts";
import { describeModel, describeTrainingBins } from "./describe-model.ts";
import type { Ensemble } from "./ensemble.ts";
import { exportHousingModel } from "./export-housing-model.ts";
import { trainingMatrix, trainingSamples } from "./housing-samples.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import type { HousingCard } from "./model-card.ts";
import { type ProgressReporter, type ProgressStream, withProgress } from "./progress.ts";
import { sha256 } from "./sha256.ts";

/** A trained model: the ensemble, and the content of its two files. */
export interface TrainedModel {
  readonly ensemble: Ensemble;
  readonly onnx: Uint8Array;
  readonly card: HousingCard;
}

/**
 * Trains, evaluates and describes the model. First, early stopping finds the number of trees; then
 * that many trees are fitted to all training rows. The same data and hyperparameters always give
 * the same bytes.
 *
 * @param stream where progress is shown
 * @throws {Error} if a feature is infinite or not a number
 */
export async function trainModel(
  dataset: Dataset,
  hyperparameters: Hyperparameters,
  stream: ProgressStream,
): Promise<TrainedModel> {
  const training = trainingSamples(dataset);
  const maxTrees = await withProgress(stream, "search", (report) =>
    findTreeCount(training, hyperparameters, showBoosting(report)),
  );
  const ensemble = await withProgress(stream, "fit", (report) =>
    boost(training, undefined, { ...hyperparameters, maxTrees }, showBoosting(report)),
  );
  const facts = describeModel(ensemble, dataset, hyperparameters);
  const onnx = exportHousingModel(ensemble, { card: JSON.stringify(facts) });
  const bins = describeTrainingBins(dataset);
  const covers = coversOf(onnx, {}, trainingMatrix(dataset));
  return { ensemble, onnx, card: createCard(facts, sha256(onnx), bins, covers) };
}

function showBoosting(report: ProgressReporter): BoostingObserver {
  const start = performance.now();
  return function show({ trees, maxTrees, trainingRmse, validationRmse }) {
    const secondsLeft = ((performance.now() - start) / 1000 / trees) * (maxTrees - trees);
    const validation =
      validationRmse === undefined ? "" : `, validation ${validationRmse.toFixed(4)}`;
    const errors = `RMSE ${trainingRmse.toFixed(4)}${validation}`;
    report(trees / maxTrees, `tree ${trees}: ${errors}, ${Math.ceil(secondsLeft)} s left`);
  };
}
