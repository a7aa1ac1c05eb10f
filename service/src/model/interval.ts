import type { ModelCard } from "./card.ts";
import type { Engine, Predictions } from "./engine.ts";

/** The level of intervals if nobody asks for another. */
const preferredLevel = 0.9;

/** Makes intervals around predictions. */
export interface Intervals {
  /** The lowest and the highest level that an interval can have. */
  readonly levels: readonly [lowest: number, highest: number];
  /** The level if a request names none: 0.9, or the nearest one that an interval can have. */
  readonly defaultLevel: number;
  /**
   * Returns how wide intervals of a level are, as a multiple of the predicted error.
   *
   * @param level the share of intervals that contain the true value. If the card does not have it,
   *   the next higher level is used
   * @throws {RangeError} if the card has no level that is high enough, or the level is too low
   */
  factorOf(level: number): number;
  /**
   * Returns an interval, rounded to float32 like a prediction.
   *
   * @param error the predicted error, in the target's unit
   */
  around(prediction: number, error: number, factor: number): readonly [low: number, high: number];
}

/** Creates intervals from a card's factors. */
export function createIntervals({
  minimumError,
  factors,
}: NonNullable<ModelCard["interval"]>): Intervals {
  const steps = Object.entries(factors).map(([level, factor]) => ({
    level: Number(level),
    factor,
  }));
  const levels = [steps[0]?.level ?? Number.NaN, steps.at(-1)?.level ?? Number.NaN] as const;
  const [lowest, highest] = levels;
  return {
    levels,
    defaultLevel: Math.min(Math.max(preferredLevel, lowest), highest),
    factorOf(level) {
      const step = steps.find((each) => each.level >= level);
      if (step === undefined || !(level >= lowest)) {
        throw new RangeError(`the level is ${level}; it must be from ${lowest} to ${highest}`);
      }
      return step.factor;
    },
    around(prediction, error, factor) {
      const reach = factor * Math.max(minimumError, error);
      return [Math.fround(prediction - reach), Math.fround(prediction + reach)];
    },
  };
}

/** The intervals of a model, and the engine that predicts how large errors are. */
export interface ModelIntervals extends Intervals {
  readonly engine: Engine;
}

/**
 * Predicts rows together with their intervals. The result has all predictions, and then the low and
 * the high end of each interval.
 */
export type IntervalEngine = Pick<Engine, "columns" | "isCheap" | "predict">;

/** Returns the predictions in the result of an {@link IntervalEngine}. */
export function predictionsIn(result: Predictions): Predictions {
  return result.subarray(0, result.length / 3);
}

/** Returns the ends of the intervals in the result of an {@link IntervalEngine}: rows × 2. */
export function endsIn(result: Predictions): Predictions {
  return result.subarray(result.length / 3);
}

/**
 * Creates an engine that predicts rows together with their intervals. The predictions are those of
 * the model's engine alone, to the last bit.
 *
 * @param factor from {@link Intervals.factorOf}
 */
export function withIntervals(
  engine: Engine,
  intervals: ModelIntervals,
  factor: number,
): IntervalEngine {
  return {
    columns: engine.columns,
    isCheap: engine.isCheap,
    async predict(matrix, client) {
      const [predictions, errors] = await Promise.all([
        engine.predict(matrix, client),
        intervals.engine.predict(matrix, client),
      ]);
      const result = new Float64Array(3 * predictions.length);
      result.set(predictions);
      const ends = endsIn(result);
      for (const [row, prediction] of predictions.entries()) {
        const [low, high] = intervals.around(prediction, errors[row] ?? Number.NaN, factor);
        ends[2 * row] = low;
        ends[2 * row + 1] = high;
      }
      return result;
    },
  };
}
