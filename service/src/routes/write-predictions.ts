import type { Engine, Predictions } from "../model/engine.ts";
import { numbersPerTurn, writeInTurns } from "./write-in-turns.ts";

/** Joins numbers with commas. Infinities and NaN become `null`, since JSON does not have them. */
function join(numbers: Predictions): string {
  if (numbers.length === 1) {
    const [only = 0] = numbers;
    return Number.isFinite(only) ? String(only) : "null";
  }
  const text = numbers.join();
  return /[IN]/.test(text) ? text.replaceAll(/-?Infinity|NaN/g, "null") : text;
}

/** Writes predictions as JSON, separated by commas. Each is a number or a list of numbers. */
export class PredictionWriter {
  readonly #outputs: number;
  readonly #isList: boolean;

  constructor({ outputs, isList }: Pick<Engine, "outputs" | "isList">) {
    this.#outputs = outputs;
    this.#isList = isList;
  }

  /**
   * Writes a long list in several turns of the event loop, so that other requests are not delayed.
   *
   * @param predictions rows × outputs
   */
  write(predictions: Predictions): string | Promise<string> {
    return predictions.length <= numbersPerTurn
      ? this.#writeRows(predictions)
      : writeInTurns(predictions, this.#outputs, (rows) => this.#writeRows(rows));
  }

  #writeRows(predictions: Predictions): string {
    if (!this.#isList) return join(predictions);
    const rows: string[] = [];
    for (let from = 0; from < predictions.length; from += this.#outputs) {
      rows.push(`[${join(predictions.subarray(from, from + this.#outputs))}]`);
    }
    return rows.join();
  }
}

/** Writes numbers as a flat list, whatever rows they belong to. */
export const flatWriter = new PredictionWriter({ outputs: 1, isList: false });
