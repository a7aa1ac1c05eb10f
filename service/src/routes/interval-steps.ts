import type { Context } from "hono";
import { cacheNamespace } from "../cache/keys.ts";
import type { Engine, Predictions } from "../model/engine.ts";
import { type ModelIntervals, predictWithIntervals } from "../model/interval.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import { featureReader } from "../records/feature-reader.ts";
import { invalid, maxInputBytes } from "../wire/refusal.ts";
import { type NodeEnvironment, requestQuery } from "../wire/sent-request.ts";
import type { PredictionSteps } from "./prediction.ts";
import { PredictionWriter } from "./write-predictions.ts";

/** The name of the query parameter. */
const name = "interval";

/** A row has a prediction and the two ends of its interval. */
const rowSize = 3;

/**
 * Returns the parameter `interval` of a request; undefined without it. If it is repeated, the last
 * one counts.
 */
export function intervalOf(c: Context<NodeEnvironment>): string | undefined {
  const query = requestQuery(c);
  return query === "" ? undefined : new URLSearchParams(query).getAll(name).at(-1);
}

/**
 * Returns the intervals of a model, and how wide those of a request are.
 *
 * @param text the parameter, which is validated as FastAPI validates a float with bounds
 * @throws {Refusal} 422 if it is invalid, or the model has no intervals
 */
function intervalsFor({ intervals }: LoadedModel, text: string) {
  const loc = ["query", name];
  const json = Buffer.from(JSON.stringify(text));
  const input = json.length > maxInputBytes ? undefined : json.toString();
  if (intervals === undefined) {
    const msg = "The model has no prediction intervals";
    throw invalid([{ type: "no_intervals", loc, msg, input }]);
  }
  const [ge, le] = intervals.levels;
  const level = featureReader({ name, type: "number", ge, le })(json, 0, json.length);
  if (typeof level !== "number") throw invalid([{ ...level, loc, input }]);
  return { intervals, factor: intervals.factorOf(level) };
}

/** Creates an engine whose rows are predictions with the ends of their intervals. */
function intervalEngine(engine: Engine, intervals: ModelIntervals, factor: number): Engine {
  return {
    name: engine.name,
    columns: engine.columns,
    outputs: rowSize,
    isList: true,
    isCheap: engine.isCheap,
    async predict(matrix, client) {
      const predicted = await predictWithIntervals(engine, intervals, matrix, factor, client);
      const rows = new Float64Array(predicted.predictions.length * rowSize);
      for (const [row, [low, high]] of predicted.intervals.entries()) {
        rows.set([predicted.predictions[row] ?? Number.NaN, low, high], row * rowSize);
      }
      return rows;
    },
  };
}

/** Returns some columns of rows with a prediction and the two ends of its interval. */
function columnsOf(rows: Predictions, first: number, count: number): Float64Array {
  const columns = new Float64Array((rows.length / rowSize) * count);
  for (let at = 0; at < columns.length; at++) {
    columns[at] = rows[Math.floor(at / count) * rowSize + first + (at % count)] ?? Number.NaN;
  }
  return columns;
}

const single = new PredictionWriter({ outputs: 1, isList: false });
const pairs = new PredictionWriter({ outputs: 2, isList: true });

/** Writes predictions, then intervals, each as JSON values separated by commas. */
async function writeRows(
  rows: Predictions,
  wrap: (predictions: string, intervals: string) => string,
): Promise<string> {
  const predictions = await single.write(columnsOf(rows, 0, 1));
  return wrap(predictions, await pairs.write(columnsOf(rows, 1, 2)));
}

/**
 * Creates the steps of a request with the parameter `interval`.
 *
 * @param plain the steps without the parameter
 * @param wrap turns JSON values into the response body
 * @throws {Refusal} 422 if the parameter is invalid, or the model has no intervals
 */
export function intervalSteps(
  model: LoadedModel,
  text: string,
  endpoint: string,
  plain: PredictionSteps,
  wrap: (predictions: string, intervals: string) => string,
): PredictionSteps {
  const { intervals, factor } = intervalsFor(model, text);
  const { engine, cacheVersions } = model;
  // The factors are in the card, so the model's file alone does not identify a response.
  const namespace = cacheNamespace(cacheVersions.bodies, `${endpoint}-interval-${factor}`);
  return {
    ...plain,
    namespace,
    bodyNamespace: namespace,
    engine: intervalEngine(engine, intervals, factor),
    predictionsIn: (rows) => columnsOf(rows, 0, 1),
    write: (rows) => writeRows(rows, wrap),
  };
}
