import type { LoadedModel } from "./loaded-model.ts";

/** The model is not loaded at the moment. */
export class NotLoadedError extends Error {}

/** A version of a model, and how many requests use it. */
interface Version {
  readonly model: LoadedModel;
  users: number;
  /** Whether another version has replaced it. */
  isRetired: boolean;
}

/**
 * A model whose version can change while it is served. A request keeps the version it began with.
 * A version that was replaced is released when its last request has ended.
 */
export class ServedModel {
  /** The ONNX file. */
  readonly path: string;
  readonly #onReleaseError: (error: unknown) => void;
  #version: Version | undefined;

  /** @param onReleaseError called if the memory of a former version can't be freed */
  constructor(path: string, onReleaseError: (error: unknown) => void) {
    this.path = path;
    this.#onReleaseError = onReleaseError;
  }

  /** The current version; undefined if the model is not loaded. */
  get current(): LoadedModel | undefined {
    return this.#version?.model;
  }

  /**
   * Serves another version from now on.
   *
   * @param model undefined to serve none
   */
  replace(model: LoadedModel | undefined): void {
    const former = this.#version;
    this.#version = model && { model, users: 0, isRetired: false };
    if (former === undefined) return;
    former.isRetired = true;
    this.#releaseIfUnused(former);
  }

  /**
   * Runs work with the current version, which is not released before the work has ended.
   *
   * @throws {NotLoadedError} if the model is not loaded
   */
  async use<T>(work: (model: LoadedModel) => Promise<T>): Promise<T> {
    const version = this.#version;
    if (version === undefined) throw new NotLoadedError();
    version.users++;
    try {
      return await work(version.model);
    } finally {
      version.users--;
      this.#releaseIfUnused(version);
    }
  }

  #releaseIfUnused({ model, users, isRetired }: Version): void {
    if (isRetired && users === 0) model.release().catch(this.#onReleaseError);
  }
}
