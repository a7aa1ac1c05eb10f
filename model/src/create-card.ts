import type { FeatureBins } from "./feature-statistics.ts";
import { houseFeatures, recordNames } from "./house-features.ts";
import { type HousingCard, housingCardSchema, type ModelFacts } from "./model-card.ts";

/**
 * Creates the model card: the facts, and what the service needs to validate and describe records.
 *
 * @param version SHA-256 of the ONNX file
 * @param bins for each feature. Not among the facts, which are part of the ONNX file
 * @param covers the training rows that reach each leaf
 */
export function createCard(
  { name, description, ...facts }: ModelFacts,
  version: string,
  bins: readonly FeatureBins[],
  covers: string | undefined,
): HousingCard {
  const features = houseFeatures.map(({ from, ...feature }, column) => ({
    ...feature,
    type: "number",
    ...facts.features[column],
    bins: bins[column],
  }));
  return housingCardSchema.parse({
    name,
    version,
    description,
    record: recordNames,
    ...facts,
    features,
    covers,
  });
}
