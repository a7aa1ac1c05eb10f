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
  { name, description, record, features, target }: ModelCard,
  version: string,
  maxRecords: number,
  locations: Locations | undefined,
) {
  return { name, version, description, record, features, target, maxRecords, locations };
}

/** What the page knows about a model. */
export type ModelDescription = ReturnType<typeof describeModel>;
