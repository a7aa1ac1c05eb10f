import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import { DriftWindow } from "./drift.ts";

/** Measures the drift of the default model. Each of its versions begins with an empty window. */
export class DefaultDrift {
  readonly #defaultModel: ServedModel;
  readonly #records: number;
  #model: LoadedModel | undefined;
  #window: DriftWindow | undefined;

  /** @param records the number of records in a window; 0 measures nothing */
  constructor(defaultModel: ServedModel, records: number) {
    this.#defaultModel = defaultModel;
    this.#records = records;
  }

  /** Returns the window of a model; undefined if its drift is not measured. */
  of(model: LoadedModel): DriftWindow | undefined {
    if (model !== this.#defaultModel.current || this.#records === 0) return undefined;
    if (model !== this.#model) {
      this.#model = model;
      this.#window = new DriftWindow(model.card, model.engine, { records: this.#records });
    }
    return this.#window;
  }

  /** Returns the window of the default model. */
  current(): DriftWindow | undefined {
    const { current } = this.#defaultModel;
    return current && this.of(current);
  }
}
