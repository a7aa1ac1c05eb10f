import type { Logger } from "pino";
import type { LoadedModel } from "./loaded-model.ts";
import { ModelError } from "./model-error.ts";
import { findModels } from "./model-files.ts";
import { ServedModel } from "./served-model.ts";

/** No model has this name. */
export class UnknownModelError extends Error {
  constructor(name: string) {
    super(`model ${JSON.stringify(name)} is unknown`);
  }
}

/** The state of a model in the repository. */
export interface ModelState {
  readonly name: string;
  /** Absent if the model is not loaded. */
  readonly version?: string;
  readonly state: "READY" | "UNAVAILABLE";
  /** Why the model is not loaded, or why the latest attempt to load it failed. */
  readonly reason: string;
}

/** Settings of a {@link ModelRepository}. */
export interface RepositoryOptions {
  /** The setting `MODEL_PATH`: an ONNX file, or a folder with models. */
  readonly path: string;
  /**
   * Loads a model, and predicts once.
   *
   * @throws {ModelError} with the name of the file and what is wrong with it
   */
  readonly load: (path: string) => Promise<LoadedModel>;
  readonly logger: Logger;
}

/**
 * Returns the name of the default model.
 *
 * @throws {ModelError} with the name of the setting
 */
function chooseDefault(path: string, names: readonly string[], wanted: string | undefined): string {
  const [first, another] = names;
  if (first === undefined) {
    const allowed = "an ONNX file, or a folder with ONNX files and their cards";
    throw new ModelError(`MODEL_PATH: found "${path}", which has no model; allowed: ${allowed}`);
  }
  if (wanted === undefined && another === undefined) return first;
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const found = wanted === undefined ? "nothing" : `"${wanted}"`;
  throw new ModelError(`MODEL_DEFAULT: found ${found}; allowed: ${names.join(", ")}`);
}

/** The models that are served, whose versions can change meanwhile. */
export class ModelRepository {
  readonly #options: RepositoryOptions;
  readonly #models = new Map<string, ServedModel>();
  /** Why the latest attempt to load a model failed. */
  readonly #failures = new Map<string, string>();
  /** Models are loaded one after the other. */
  #change: Promise<unknown> = Promise.resolve();

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  /** Returns a model that was loaded at least once; undefined if there is none. */
  find(name: string): ServedModel | undefined {
    return this.#models.get(name);
  }

  /**
   * Finds all models, and loads them.
   *
   * @param defaultName the setting `MODEL_DEFAULT`. It may be undefined if there is only one model
   * @returns the default model
   * @throws {ModelError} with the name of the setting or the file, and what is wrong with it
   */
  async open(defaultName: string | undefined): Promise<ServedModel> {
    const { path } = this.#options;
    const names = [...(await findModels(path)).keys()];
    const name = chooseDefault(path, names, defaultName);
    const defaultModel = await this.#load(name);
    for (const other of names) if (other !== name) await this.#load(other);
    return defaultModel;
  }

  /**
   * Serves a version of a model from now on.
   *
   * @param path its ONNX file, from which later versions are loaded
   */
  serve(name: string, path: string, model: LoadedModel): ServedModel {
    let served = this.#models.get(name);
    if (served === undefined) {
      const { logger } = this.#options;
      served = new ServedModel(path, (error) =>
        logger.error({ err: error, model: name }, "model not released"),
      );
      this.#models.set(name, served);
    }
    served.replace(model);
    return served;
  }

  /**
   * Loads the current version of a model's files. If this fails, the previous version is served as
   * before. Requests in flight finish with the previous version.
   *
   * @throws {UnknownModelError} if there is no such model
   * @throws {ModelError} with the name of the file and what is wrong with it
   */
  load(name: string): Promise<void> {
    const { logger } = this.#options;
    return this.#inTurn(async () => {
      try {
        const { current } = await this.#load(name);
        logger.info({ model: name, modelVersion: current?.version }, "model loaded");
      } catch (error) {
        logger.warn({ model: name, err: error }, "model not loaded");
        throw error;
      }
    });
  }

  /**
   * Stops serving a model. Requests in flight finish.
   *
   * @throws {UnknownModelError} if there is no such model
   */
  unload(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const served = this.find(name);
      if (served === undefined) throw new UnknownModelError(name);
      served.replace(undefined);
      this.#options.logger.info({ model: name }, "model unloaded");
    });
  }

  /** Returns the current version of each loaded model, in the order in which they were loaded. */
  loaded(): readonly LoadedModel[] {
    return [...this.#models.values()].flatMap(({ current }) => current ?? []);
  }

  /** Returns the states of all models, by name, including those that were never loaded. */
  async states(): Promise<readonly ModelState[]> {
    const found = await findModels(this.#options.path);
    const names = new Set([...found.keys(), ...this.#models.keys()]);
    return [...names].sort().map((name) => {
      const current = this.#models.get(name)?.current;
      const failure = this.#failures.get(name);
      return current
        ? { name, version: current.version, state: "READY", reason: failure ?? "" }
        : { name, state: "UNAVAILABLE", reason: failure ?? "not loaded" };
    });
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#change.then(change);
    this.#change = result.catch(() => {
      // The caller handles it.
    });
    return result;
  }

  async #load(name: string): Promise<ServedModel> {
    const { path, load } = this.#options;
    const modelPath = this.#models.get(name)?.path ?? (await findModels(path)).get(name);
    if (modelPath === undefined) throw new UnknownModelError(name);
    try {
      const served = this.serve(name, modelPath, await load(modelPath));
      this.#failures.delete(name);
      return served;
    } catch (error) {
      if (error instanceof ModelError) this.#failures.set(name, error.message);
      throw error;
    }
  }
}
