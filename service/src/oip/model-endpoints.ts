import type { z } from "zod";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ModelRepository } from "../model/model-repository.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import { json } from "../routes/exchange.ts";
import { response } from "../routes/openapi-parts.ts";
import { outputsOf, type TensorDescription } from "../tensors/signature.ts";
import { describe } from "./describe.ts";
import { findModel } from "./find-model.ts";
import { modelPathOf } from "./model-path.ts";
import { ModelMetadata, ModelReady } from "./schemas.ts";

const copyOf = ({ shape, ...rest }: TensorDescription) => ({ ...rest, shape: [...shape] });

function metadataOf(
  name: string,
  { version, signature }: LoadedModel,
): z.infer<typeof ModelMetadata> {
  return {
    name,
    versions: [version],
    platform: "onnxruntime_onnx",
    inputs: signature.inputs.map(copyOf),
    outputs: outputsOf(signature).map(copyOf),
  };
}

/** Describes a model: its version and its tensors. */
function metadata(models: ModelRepository, path: string, operationId: string): Endpoint {
  return {
    method: "GET",
    path,
    async handle(c) {
      const named = await modelPathOf(c);
      return json(metadataOf(named.name, findModel(models, named).current));
    },
    describe: describe(path, {
      operationId,
      summary: "Describe a model",
      schemas: { ModelMetadata },
      success: response("The model's version and tensors", "ModelMetadata"),
    }),
  };
}

/** Says whether a model is loaded. */
function ready(models: ModelRepository, path: string, operationId: string): Endpoint {
  return {
    method: "GET",
    path,
    async handle(c) {
      const named = await modelPathOf(c);
      findModel(models, named);
      return json({ name: named.name, ready: true } satisfies z.infer<typeof ModelReady>);
    },
    describe: describe(path, {
      operationId,
      summary: "Check whether a model is loaded",
      schemas: { ModelReady },
      success: response("The model is loaded", "ModelReady"),
    }),
  };
}

/** `GET /v2/models/{name}` and `…/ready`, also with the model's version in the path. */
export function modelEndpoints(models: ModelRepository): readonly Endpoint[] {
  const path = "/v2/models/:name";
  const versionPath = `${path}/versions/:version`;
  return [
    metadata(models, path, "model_metadata"),
    ready(models, `${path}/ready`, "model_ready"),
    metadata(models, versionPath, "model_version_metadata"),
    ready(models, `${versionPath}/ready`, "model_version_ready"),
  ];
}
