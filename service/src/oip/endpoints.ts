import type { Endpoint } from "../routes/endpoint.ts";
import type { Predictor } from "../routes/prediction.ts";
import { type InferDependencies, inferEndpoints } from "./infer.ts";
import { modelEndpoints } from "./model-endpoints.ts";
import { type RepositoryDependencies, repositoryEndpoints } from "./repository-endpoints.ts";
import { serverEndpoints } from "./server-endpoints.ts";

/** The dependencies of {@link protocolEndpoints}. */
export interface ProtocolDependencies extends InferDependencies, RepositoryDependencies {
  readonly isDraining: () => boolean;
}

/**
 * The Open Inference Protocol, version 2, over REST.
 *
 * @see https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
 */
export function protocolEndpoints(
  deps: ProtocolDependencies,
  predictor: Predictor,
): readonly Endpoint[] {
  return [
    ...serverEndpoints(deps.isDraining),
    ...modelEndpoints(deps.models),
    ...inferEndpoints(deps, predictor),
    ...repositoryEndpoints(deps),
  ];
}
