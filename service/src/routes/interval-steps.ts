import type { Context } from "hono";
import { cacheNamespace } from "../cache/keys.ts";
import { endsIn, predictionsIn, withIntervals } from "../model/interval.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import { featureReader } from "../records/feature-reader.ts";
import { invalid, maxInputBytes } from "../wire/refusal.ts";
import { type NodeEnvironment, requestQuery } from "../wire/sent-request.ts";
import type { PredictionSteps } from "./prediction.ts";
import { flatWriter, type PredictionWriter } from "./write-predictions.ts";

/** The name of the query parameter. */
const name = "interval";

/**
 * Returns the parameter `interval` of a request; undefined without it. If it is repeated, the last
 * one counts.
 */
export function intervalOf(c: Context<NodeEnvironment>): string | undefined {
  const query = requestQuery(c);
  return query === "" ? undefined : new URLSearchParams(query).getAll(name).at(-1);
}

const noIntervals = "The model has no prediction intervals";

/**
 * Returns the level that a request asks for.
 *
 * @param text the parameter, which is validated as FastAPI validates a float with bounds
 * @throws {Refusal} 422 if it is invalid, or the model has no intervals
 */
export function levelOf({ intervals }: LoadedModel, text: string): number {
  const loc = ["query", name];
  const json = Buffer.from(JSON.stringify(text));
  const input = json.length > maxInputBytes ? undefined : json.toString();
  if (intervals === undefined) {
    throw invalid([{ type: "no_intervals", loc, msg: noIntervals, input }]);
  }
  const [ge, le] = intervals.levels;
  const level = featureReader({ name, type: "number", ge, le })(json, 0, json.length);
  if (typeof level !== "number") throw invalid([{ ...level, loc, input }]);
  return level;
}

/** Which steps differ for predictions with intervals. */
export type IntervalSteps = Pick<
  PredictionSteps,
  "namespace" | "engine" | "predictionsIn" | "write"
>;

/**
 * Creates the steps that differ for predictions with intervals.
 *
 * @param level one that the model's intervals can have
 * @param ends writes the low and the high ends as JSON values, separated by commas
 * @param wrap turns the predictions and the ends into what is cached
 */
export function intervalSteps(
  { engine, intervals, cacheVersions }: LoadedModel,
  level: number,
  endpoint: string,
  ends: PredictionWriter,
  wrap: (predictions: string, ends: string) => string,
): IntervalSteps {
  if (intervals === undefined) throw new Error(noIntervals);
  const factor = intervals.factorOf(level);
  return {
    // The factors are in the card, so the model's file alone does not identify a response.
    namespace: cacheNamespace(cacheVersions.bodies, `${endpoint}-interval-${factor}`),
    engine: withIntervals(engine, intervals, factor),
    predictionsIn,
    async write(result) {
      const predictions = await flatWriter.write(predictionsIn(result));
      return wrap(predictions, await ends.write(endsIn(result)));
    },
  };
}
