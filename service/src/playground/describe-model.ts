import type { ModelCard } from "../model/card.ts";
import type { Locations } from "./locations.ts";

/**
 * Returns what the page needs to know about a model.
 *
 * @param version the version in the headers of responses
 * @param maxRecords the maximum number of records in a list
 * @param locations absent if the model has none
 */
export function describeModel(
  card: ModelCard,
  version: string,
  maxRecords: number,
  locations: Locations | undefined,
) {
  const { name, description, record, features, target } = card;
  const hasIntervals = "interval" in card;
  return {
    ...{ name, version, description, record, features, target },
    ...{ hasIntervals, maxRecords, locations },
  };
}

/** What the page knows about a model. */
export type ModelDescription = ReturnType<typeof describeModel>;
