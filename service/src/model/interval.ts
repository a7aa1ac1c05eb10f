import type { ModelCard } from "./card.ts";
import type { Client, Engine } from "./engine.ts";

/** Makes intervals around predictions. */
export interface Intervals {
  /** The lowest and the highest level that an interval can have. */
  readonly levels: readonly [lowest: number, highest: number];
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
  return {
    levels,
    factorOf(level) {
      const step = steps.find((each) => each.level >= level);
      if (step === undefined || !(level >= levels[0])) {
        throw new RangeError(`the level is ${level}; it must be from ${levels[0]} to ${levels[1]}`);
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

/** Predictions and their intervals. */
export interface PredictedIntervals {
  /** One number per row. */
  readonly predictions: ArrayLike<number>;
  readonly intervals: readonly (readonly [low: number, high: number])[];
}

/**
 * Predicts rows together with intervals. The predictions are those of the engine alone, to the last
 * bit.
 *
 * @param factor from {@link Intervals.factorOf}
 * @throws {AbandonedError} if rows were dropped since the client no longer waits
 */
export async function predictWithIntervals(
  engine: Engine,
  intervals: ModelIntervals,
  matrix: Float32Array,
  factor: number,
  client?: Client,
): Promise<PredictedIntervals> {
  const [predictions, errors] = await Promise.all([
    engine.predict(matrix, client),
    intervals.engine.predict(matrix, client),
  ]);
  return {
    predictions,
    intervals: Array.from(predictions, (prediction, row) =>
      intervals.around(prediction, errors[row] ?? Number.NaN, factor),
    ),
  };
}
