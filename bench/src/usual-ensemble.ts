import { boost } from "../../model/src/boosting.ts";
import type { Dataset } from "../../model/src/dataset.ts";
import { exportHousingModel } from "../../model/src/export-housing-model.ts";
import { trainingSamples } from "../../model/src/housing-samples.ts";
import { HYPERPARAMETERS } from "../../model/src/hyperparameters.ts";
import type { Tell } from "./scenario.ts";

const size = { maxTrees: 600, leavesPerTree: 31, shrinkage: 0.05 };

/** How the ensemble is called. */
export const usualSize = `${size.maxTrees} × ${size.leavesPerTree}`;

/** Trains an ensemble of a usual size on the same rows and features as the model: an ONNX file. */
export function trainUsualEnsemble(dataset: Dataset, tell: Tell): Uint8Array {
  const hyperparameters = { ...HYPERPARAMETERS, ...size };
  const ensemble = boost(trainingSamples(dataset), undefined, hyperparameters, ({ trees }) => {
    if (trees % 100 === 0) tell(`trained ${trees} of ${size.maxTrees} trees`);
  });
  return exportHousingModel(ensemble, {});
}
