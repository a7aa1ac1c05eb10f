import type { LoadedModel } from "./loaded-model.ts";

/** The model is not loaded at the moment. */
export class NotLoadedError extends Error {}

/** A version of a model. It is released when it is retired and nobody uses it. */
export class ModelVersion {
  readonly model: LoadedModel;
  readonly #onReleaseError: (error: unknown) => void;
  #users = 0;
  #isRetired = false;

  /** @param onReleaseError called if the memory of the model can't be freed */
  constructor(model: LoadedModel, onReleaseError: (error: unknown) => void) {
    this.model = model;
    this.#onReleaseError = onReleaseError;
  }

  /** Begins to use the version. The caller must call `leave` when it is done. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#releaseIfUnused();
  }

  /** Releases the version once it is no longer used. */
  retire(): void {
    this.#isRetired = true;
    this.#releaseIfUnused();
  }

  #releaseIfUnused(): void {
    if (this.#isRetired && this.#users === 0) this.model.release().catch(this.#onReleaseError);
  }
}

/**
 * A model whose version can change while it is served. A request keeps the version it began with.
 * A version that was replaced is released when its last request has ended.
 */
export class ServedModel {
  /** The ONNX file. */
  readonly path: string;
  readonly #onReleaseError: (error: unknown) => void;
  #version: ModelVersion | undefined;

  /** @param onReleaseError called if the memory of a previous version can't be freed */
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
    const previous = this.#version;
    this.#version = model && new ModelVersion(model, this.#onReleaseError);
    previous?.retire();
  }

  /**
   * Returns the current version. It is not released before the caller has called its `leave`.
   *
   * @throws {NotLoadedError} if the model is not loaded
   */
  enter(): ModelVersion {
    if (this.#version === undefined) throw new NotLoadedError();
    this.#version.enter();
    return this.#version;
  }
}
