import { derivedFeatures } from "./derived-features.ts";
import type { Ensemble } from "./ensemble.ts";
import { houseFeatures, target } from "./house-features.ts";
import { modelName } from "./model-files.ts";
import { exportOnnx } from "./onnx-export.ts";

/** Written to the ONNX file, so a new version changes its bytes. */
const producer = { name: "@prediction-service/model", version: "1.0.0" };

/**
 * Exports an ensemble over the tree features as an ONNX file, which takes the eight house features
 * and returns the median house value.
 */
export function exportHousingModel(
  ensemble: Ensemble,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return exportOnnx({
    name: modelName,
    producer,
    features: derivedFeatures,
    inputColumns: houseFeatures.length,
    ensemble,
    output: target.name,
    metadata,
  });
}
