import { DERIVED_FEATURES } from "./derived-features.ts";
import type { Ensemble } from "./ensemble.ts";
import { HOUSE_FEATURES, TARGET } from "./house-features.ts";
import { MODEL_NAME } from "./model-files.ts";
import { exportOnnx } from "./onnx-export.ts";

/** Written into the ONNX file: a new version makes new bytes. */
const PRODUCER = { name: "@prediction-service/model", version: "1.0.0" };

/**
 * The ONNX file of an ensemble over the tree features: from the eight house features to the median
 * house value.
 */
export function exportHousingModel(
  ensemble: Ensemble,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return exportOnnx({
    name: MODEL_NAME,
    producer: PRODUCER,
    features: DERIVED_FEATURES,
    inputColumns: HOUSE_FEATURES.length,
    ensemble,
    output: TARGET.name,
    metadata,
  });
}
