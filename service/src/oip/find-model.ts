import type { LoadedModel } from "../model/loaded-model.ts";
import type { ModelRepository } from "../model/model-repository.ts";
import type { ServedModel } from "../model/served-model.ts";
import { refusal } from "../wire/refusal.ts";
import type { ModelPath } from "./model-path.ts";

/**
 * Finds a model that is loaded.
 *
 * @returns the model and its current version
 * @throws {Refusal} 404
 */
export function findModel(
  models: ModelRepository,
  { name, version }: ModelPath,
): { readonly served: ServedModel; readonly current: LoadedModel } {
  const served = models.find(name);
  const current = served?.current;
  if (served === undefined || current === undefined) {
    throw refusal(404, `model ${JSON.stringify(name)} is not loaded`);
  }
  if (version !== undefined && version !== current.version) {
    throw refusal(
      404,
      `model ${JSON.stringify(name)} has no version ${JSON.stringify(version)}; its version is ${current.version}`,
    );
  }
  return { served, current };
}
