import type { Columns } from "./columns.ts";
import type { Ensemble } from "./ensemble.ts";
import { exportHousingModel } from "./export-housing-model.ts";
import { loadOnnxPredictor } from "./onnx-predictor.ts";

const BATCH_ROWS = 1000;
const RUNS = 200;

/**
 * What a prediction costs in ONNX Runtime on one thread, in microseconds a house: the fastest of
 * 200 runs of 1,000 houses, which other work on the machine disturbs least.
 *
 * @param input - at least 1,000 rows of the model's input
 */
export async function measureInferenceCost(ensemble: Ensemble, input: Columns): Promise<number> {
  const predict = await loadOnnxPredictor(exportHousingModel(ensemble, {}));
  const batch = input.map((column) => column.slice(0, BATCH_ROWS));
  const durations = new Float64Array(RUNS);
  for (const run of durations.keys()) {
    const start = performance.now();
    await predict(batch);
    durations[run] = ((performance.now() - start) * 1000) / BATCH_ROWS;
  }
  return Math.min(...durations);
}
