import { coversOf } from "../../service/src/explain/covers.ts";
import type { BoostingObserver, BoostingRules } from "./boosting.ts";
import { conformalFolds, fitIntervals } from "./conformal.ts";
import { createCard } from "./create-card.ts";
import type { Dataset } from "./dataset.ts";
import { featureSets } from "./derived-features.ts";
import { describeModel, describeTrainingBins } from "./describe-model.ts";
import type { Ensemble } from "./ensemble.ts";
import { exportHousingModel } from "./export-housing-model.ts";
import { target } from "./house-features.ts";
import { fitHouseModel, type HouseModel, treeSamples } from "./house-model.ts";
import { trainingMatrix, trainingSamples } from "./housing-samples.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import type { HousingCard } from "./model-card.ts";
import { type ProgressReporter, type ProgressStream, withProgress } from "./progress.ts";
import { sha256 } from "./sha256.ts";

/** A trained model, and the content of its two files. */
export interface TrainedModel {
  readonly model: HouseModel;
  /** Predicts how large the errors are. */
  readonly errorEnsemble: Ensemble;
  readonly onnx: Uint8Array;
  readonly card: HousingCard;
}

/**
 * Trains, evaluates and describes the model. The same data and hyperparameters always give the same
 * bytes.
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
  const samples = treeSamples(training);
  const { prediction, error } = hyperparameters;
  const sets = Object.keys(featureSets).length;
  const model = await withProgress(stream, "fit", (report) =>
    fitHouseModel(samples, prediction, showBoosting(report, [[prediction, sets]])),
  );
  const intervals = await withProgress(stream, "intervals", (report) => {
    const observe = showBoosting(report, [
      [prediction, conformalFolds * sets],
      [error, conformalFolds + 1],
    ]);
    return fitIntervals(training, samples, hyperparameters, observe);
  });
  const facts = describeModel(model, intervals, dataset, hyperparameters);
  const onnx = exportHousingModel(model, intervals.ensemble, { card: JSON.stringify(facts) });
  const bins = describeTrainingBins(dataset);
  const covers = coversOf(onnx, { output: target.name }, trainingMatrix(dataset));
  const card = createCard(facts, sha256(onnx), bins, covers);
  return { model, errorEnsemble: intervals.ensemble, onnx, card };
}

/** @param work how many ensembles are fitted, and with which rules */
function showBoosting(
  report: ProgressReporter,
  work: readonly (readonly [rules: BoostingRules, ensembles: number])[],
): BoostingObserver {
  const start = performance.now();
  const leavesOf = ({ trees, leavesPerTree }: BoostingRules) => trees * leavesPerTree;
  const total = work.reduce((sum, [rules, ensembles]) => sum + ensembles * leavesOf(rules), 0);
  let done = 0;
  return function show({ trees, rules, trainingRmse }) {
    done += rules.leavesPerTree;
    const secondsLeft = ((performance.now() - start) / 1000 / done) * (total - done);
    const text = `tree ${trees} of ${rules.trees}: RMSE ${trainingRmse.toFixed(4)}`;
    report(done / total, `${text}, ${Math.ceil(secondsLeft)} s left`);
  };
}
