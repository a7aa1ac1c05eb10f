import { compileTrees } from "../../service/src/trees/compile-trees.ts";
import { loadTrees } from "../../service/src/trees/run-trees.ts";
import type { Columns } from "./columns.ts";
import { exportHousingModel } from "./export-housing-model.ts";
import type { HouseModel } from "./house-model.ts";
import { interleave } from "./onnx-predictor.ts";

const batchRows = 1000;
const runCount = 200;

/**
 * Measures how long the service's engine takes per house on one thread: the fastest of 200 runs
 * with 1,000 houses, since that run is disturbed least by other work on the machine.
 *
 * @param input at least 1,000 rows of the model's input
 * @returns microseconds per house
 * @throws {Error} if the model is not compiled
 */
export function measureInferenceCost(model: HouseModel, input: Columns): number {
  const trees = compileTrees(exportHousingModel(model, undefined, {}));
  if ("reason" in trees) throw new Error(trees.reason);
  const predict = loadTrees(trees);
  const batch = interleave(input, batchRows);
  const durations = Array.from({ length: runCount }, () => {
    const start = performance.now();
    predict(batch);
    return ((performance.now() - start) * 1000) / batchRows;
  });
  return Math.min(...durations);
}
