import type { ModelCard } from "../model/card.ts";
import type { Intervals } from "../model/interval.ts";
import type { Locations } from "./locations.ts";

/** The parts of a loaded model that the page shows. */
interface ShownModel {
  readonly card: ModelCard;
  /** The version in the headers of responses. */
  readonly version: string;
  /** Absent if the model has no intervals. */
  readonly intervals?: Pick<Intervals, "defaultLevel">;
}

/**
 * Returns what the page needs to know about a model.
 *
 * @param maxRecords the maximum number of records in a list
 * @param locations absent if the model has none
 */
export function describeModel(
  { card, version, intervals }: ShownModel,
  maxRecords: number,
  locations: Locations | undefined,
) {
  const { name, description, record, features, target } = card;
  return {
    ...{ name, version, description, record, features, target },
    ...{ intervalLevel: intervals?.defaultLevel, maxRecords, locations },
  };
}

/** What the page knows about a model. */
export type ModelDescription = ReturnType<typeof describeModel>;
