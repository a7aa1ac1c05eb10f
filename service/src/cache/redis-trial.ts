import type { Logger } from "pino";
import { CacheError } from "./prediction-cache.ts";

/** The dependencies of {@link RedisTrial}. */
export interface RedisTrialDependencies {
  /** Settles when the model has its final engine. Nothing is measured before. */
  readonly engineChosen: Promise<void>;
  /** Predicts one record. */
  readonly predictOne: () => Promise<unknown>;
  /** Sends Redis two commands together, as many as a miss needs, and waits for both replies. */
  readonly askRedis: () => Promise<unknown>;
  readonly logger: Logger;
}

const rounds = 50;
/** With a slow model or a slow Redis, there are fewer rounds. */
const maxTrialMs = 500;
/** The assumed share of requests that find their prediction in Redis. */
const hitShare = 0.5;

async function durationMsOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/**
 * Returns the shortest duration, rounded to microseconds. Other requests at the same time only make
 * durations longer.
 */
function shortest(durationsMs: readonly number[]): number {
  return Math.round(Math.min(...durationsMs) * 1000) / 1000;
}

/**
 * Decides whether it pays to look up single predictions in Redis. Each lookup costs a round trip,
 * and each hit saves a prediction. If half of the lookups are hits, this pays if a prediction takes
 * more than twice as long as a round trip.
 */
export class RedisTrial {
  readonly #deps: RedisTrialDependencies;
  #isDone = false;
  #pays = true;

  constructor(deps: RedisTrialDependencies) {
    this.#deps = deps;
  }

  /** True before the decision. */
  get pays(): boolean {
    return this.#pays;
  }

  /**
   * Measures and decides, unless it already has. If Redis fails in the meantime, decides nothing.
   */
  async run(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const { engineChosen, logger } = this.#deps;
    await engineChosen;
    try {
      const { predictionMs, redisMs } = await this.#measure();
      this.#pays = hitShare * predictionMs > redisMs;
      const verdict = this.#pays ? "are" : "are not";
      logger.info({ predictionMs, redisMs }, `single predictions ${verdict} cached in Redis`);
    } catch (error) {
      this.#isDone = false;
      if (error instanceof CacheError) return;
      logger.error({ err: error }, "the speed of Redis and the model could not be compared");
    }
  }

  async #measure() {
    const { predictOne, askRedis } = this.#deps;
    const predictions: number[] = [];
    const replies: number[] = [];
    const end = performance.now() + maxTrialMs;
    // In turn, so that anything else the process does affects both equally.
    do {
      predictions.push(await durationMsOf(predictOne));
      replies.push(await durationMsOf(askRedis));
    } while (replies.length < rounds && performance.now() < end);
    return { predictionMs: shortest(predictions), redisMs: shortest(replies) };
  }
}
