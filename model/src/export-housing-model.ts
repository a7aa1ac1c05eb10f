import type { Ensemble } from "./ensemble.ts";
import { errorOutput, houseFeatures, target } from "./house-features.ts";
import type { HouseModel } from "./house-model.ts";
import { modelName } from "./model-files.ts";
import { exportOnnx } from "./onnx-export.ts";

/** Written to the ONNX file, so a new version changes its bytes. */
const producer = { name: "@prediction-service/model", version: "2.0.0" };

/**
 * Exports a model as an ONNX file, which takes the eight house features. Its outputs are the median
 * house value and, if there is an ensemble for it, how large the error is.
 */
export function exportHousingModel(
  { program, ensemble }: HouseModel,
  errorEnsemble: Ensemble | undefined,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const error = errorEnsemble ? [{ name: errorOutput, ensemble: errorEnsemble }] : [];
  return exportOnnx({
    name: modelName,
    producer,
    features: program,
    inputColumns: houseFeatures.length,
    outputs: [{ name: target.name, ensemble }, ...error],
    metadata,
  });
}
