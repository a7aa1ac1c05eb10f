import type { Logger } from "pino";
import type { Metrics } from "../telemetry/metrics.ts";
import { compileInBackground, requireCompiled } from "./compile-model.ts";
import { type CompilableModel, type LoadedModel, loadModel } from "./loaded-model.ts";

/** Settings of {@link ModelLoader}. */
export interface ModelLoaderOptions {
  /** The setting `INFERENCE_ENGINE`. */
  readonly engine: "auto" | "onnxruntime" | "wasm";
  /** The maximum number of records in a list. */
  readonly maxRecords: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/**
 * Loads models with the engine of the settings. With `auto`, the models of the start are compiled
 * after it, so that the service listens early. Later ones are compiled before they are served.
 */
export class ModelLoader {
  readonly #options: ModelLoaderOptions;
  /** Undefined after the start. */
  #loadedAtStart: CompilableModel[] | undefined = [];

  constructor(options: ModelLoaderOptions) {
    this.#options = options;
  }

  /** @throws {ModelError} with the name of the file and what is wrong with it */
  async load(path: string): Promise<LoadedModel> {
    const { engine, maxRecords, metrics, logger } = this.#options;
    const model = await loadModel(path, maxRecords, metrics);
    if (engine === "wasm") await requireCompiled(model);
    else if (engine === "auto" && this.#loadedAtStart) this.#loadedAtStart.push(model);
    else if (engine === "auto") await compileInBackground(model, logger);
    return model;
  }

  /** Compiles the models of the start, one after the other. */
  async endStart(): Promise<void> {
    const models = this.#loadedAtStart ?? [];
    this.#loadedAtStart = undefined;
    for (const model of models) await compileInBackground(model, this.#options.logger);
  }
}
