import type { CardFeature } from "../model/card.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { Endpoint, Json } from "../routes/endpoint.ts";
import type { Limits } from "../routes/limits.ts";
import { header, jsonContent } from "../routes/openapi-parts.ts";
import {
  limitResponses,
  predictionParameters,
  predictionResponse,
} from "../routes/prediction-openapi.ts";
import { InferenceHeader } from "../tensors/inference-header.ts";
import type { Datatype } from "../tensors/signature.ts";
import { describe, invalidRequest, protocolError } from "./describe.ts";
import { InferenceResponse } from "./schemas.ts";

/** Returns the example of a feature as an element of a tensor. */
function elementOf(feature: CardFeature, datatype: Datatype): number | string | boolean {
  if (datatype === "BYTES" || datatype === "BOOL") return feature.example;
  if (feature.type === "category") return feature.categories.indexOf(feature.example);
  return Number(feature.example);
}

/** Returns a request with the card's example. */
function exampleRequest({ card: { features }, signature }: LoadedModel): Json {
  const inputs = signature.inputs.map(({ name, datatype, shape }, index) => {
    const own = signature.kind === "table" ? features : features.slice(index, index + 1);
    const data = own.map((feature) => elementOf(feature, datatype));
    return { name, datatype, shape: [1, ...shape.slice(1)], data };
  });
  return { inputs };
}

const parameters = [
  ...predictionParameters,
  {
    name: "Inference-Header-Content-Length",
    in: "header",
    description:
      "The length of the JSON, if binary tensors follow it. Without it, the whole body is JSON, whatever its content type",
    schema: { type: "integer", minimum: 0 },
  },
  {
    name: "Content-Encoding",
    in: "header",
    description: "The encoding of the body",
    schema: { type: "string", enum: ["identity", "gzip", "deflate"] },
  },
  {
    name: "Accept-Encoding",
    in: "header",
    description: "`gzip` or `deflate` compresses a response of at least 1 KiB",
    schema: { type: "string" },
  },
];

/** A body of JSON, or of JSON and binary tensors. */
const contentOf = (schema: string, rest?: Json) => ({
  ...jsonContent(schema, rest),
  "application/octet-stream": {
    schema: { type: "string", contentMediaType: "application/octet-stream" },
  },
});

/** Describes inference on one of its paths. */
export function describeInfer(path: string, limits: Limits): NonNullable<Endpoint["describe"]> {
  const headerLength = header("The length of the JSON, if binary tensors follow it", {
    type: "integer",
  });
  const operationId = path.includes(":version") ? "model_version_infer" : "model_infer";
  return (model) =>
    describe(path, {
      operationId,
      summary: "Predict from tensors",
      description:
        "One input with all features, or one input per feature. In errors, rows are counted from 0. A model with prediction intervals also has the output `interval`, which is returned only if `outputs` names it.",
      parameters,
      requestBody: {
        required: true,
        content: contentOf("InferenceRequest", { example: exampleRequest(model) }),
      },
      schemas: { InferenceRequest: InferenceHeader, InferenceResponse },
      success: {
        ...predictionResponse("InferenceResponse", {
          "Inference-Header-Content-Length": headerLength,
        }),
        content: contentOf("InferenceResponse"),
      },
      errors: {
        400: invalidRequest(
          "The request is invalid. The error names the member, or the input, row and feature",
        ),
        ...limitResponses(limits, limits.maxBodyBytes, "ProtocolError"),
        415: protocolError(
          "The body has a `Content-Encoding` other than identity, gzip or deflate",
        ),
      },
    })(model);
}
