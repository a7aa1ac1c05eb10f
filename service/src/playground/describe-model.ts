import type { ModelCard } from "../model/card.ts";
import type { Locations } from "./locations.ts";

/** The level of the intervals that the page shows, if the model's intervals can have it. */
const preferredLevel = 0.9;

/** Returns the level of a model's intervals that is closest to the preferred one. */
function intervalLevel({ interval }: ModelCard): number | undefined {
  if (interval === undefined) return undefined;
  const levels = Object.keys(interval.factors).map(Number);
  return Math.min(Math.max(preferredLevel, Math.min(...levels)), Math.max(...levels));
}

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
  return {
    ...{ name, version, description, record, features, target },
    ...{ intervalLevel: intervalLevel(card), maxRecords, locations },
  };
}

/** What the page knows about a model. */
export type ModelDescription = ReturnType<typeof describeModel>;
