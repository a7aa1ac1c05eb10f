import type { Columns } from "./columns.ts";
import type { Ensemble } from "./ensemble.ts";
import { exportHousingModel } from "./export-housing-model.ts";
import { loadOnnxPredictor } from "./onnx-predictor.ts";

const batchRows = 1000;
const runCount = 200;

/**
 * Measures how long ONNX Runtime takes per house on one thread: the fastest of 200 runs with 1,000
 * houses, since that run is disturbed least by other work on the machine.
 *
 * @param input at least 1,000 rows of the model's input
 * @returns microseconds per house
 */
export async function measureInferenceCost(ensemble: Ensemble, input: Columns): Promise<number> {
  const predict = await loadOnnxPredictor(exportHousingModel(ensemble, {}));
  const batch = input.map((column) => column.slice(0, batchRows));
  const durations = new Float64Array(runCount);
  for (const run of durations.keys()) {
    const start = performance.now();
    await predict(batch);
    durations[run] = ((performance.now() - start) * 1000) / batchRows;
  }
  return Math.min(...durations);
}
