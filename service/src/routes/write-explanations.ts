import type { Predictions } from "../model/engine.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import { writeInTurns } from "./write-in-turns.ts";

/** JSON has no infinities and no NaN: they are `null`. */
const textOf = (number = Number.NaN) => (Number.isFinite(number) ? String(number) : "null");

/** Writes explanations as JSON objects, separated by commas. */
export class ExplanationWriter {
  readonly #outputs: number;
  readonly #isList: boolean;
  /** The number of numbers in an explanation. */
  readonly #size: number;
  /** The names of the features as JSON. */
  readonly #names: readonly string[];

  constructor({ card, engine, explainer }: Pick<LoadedModel, "card" | "engine" | "explainer">) {
    this.#outputs = engine.outputs;
    this.#isList = engine.isList;
    this.#size = explainer.outputs;
    this.#names = card.features.map(({ name }) => JSON.stringify(name));
  }

  /**
   * Writes a long list in several turns of the event loop, so that other requests are not delayed.
   *
   * @param rows the results of the model's `explainer`
   */
  write(rows: Predictions): Promise<string> {
    return writeInTurns(rows, this.#size, (some) => this.#writeRows(some));
  }

  #writeRows(rows: Predictions): string {
    const objects: string[] = [];
    for (let from = 0; from < rows.length; from += this.#size) {
      objects.push(this.#writeRow(rows.subarray(from, from + this.#size)));
    }
    return objects.join();
  }

  #writeRow(row: Predictions): string {
    const outputs = this.#outputs;
    const valueAt = (index: number) => {
      if (!this.#isList) return textOf(row[index]);
      return `[${Array.from(row.subarray(index * outputs, (index + 1) * outputs), textOf).join()}]`;
    };
    const margin = Number.isNaN(row[outputs]) ? "" : `,"margin":${valueAt(1)}`;
    const contributions = this.#names.map((name, index) => `${name}:${valueAt(index + 3)}`);
    return `{"prediction":${valueAt(0)}${margin},"baseline":${valueAt(2)},"contributions":{${contributions}}}`;
  }
}
