import { z } from "zod";
import { datatypes } from "../tensors/signature.ts";
import { mustBe } from "../wire/parse-or-refuse.ts";

// The bodies of requests and responses of the Open Inference Protocol.

const datatype = z.enum(datatypes);

/** The response body of `GET /v2`. */
export const ServerMetadata = z.object({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
});

export const ServerLive = z.object({ live: z.boolean() });
export const ServerReady = z.object({ ready: z.boolean() });
export const ModelReady = z.object({ name: z.string(), ready: z.boolean() });

const TensorMetadata = z.object({
  name: z.string(),
  datatype,
  shape: z.array(z.int()).meta({ description: "-1 is any number of rows" }),
});

export const ModelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()).meta({ description: "The SHA-256 of the model" }),
  platform: z.string(),
  inputs: z.array(TensorMetadata),
  outputs: z.array(TensorMetadata),
});

/** An output of an inference response. */
const OutputTensor = z.object({
  name: z.string(),
  datatype,
  shape: z.array(z.int()),
  parameters: z.object({ binary_data_size: z.int() }).optional(),
  data: z.array(z.number().nullable()).optional(),
});

export const InferenceResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional().meta({ description: "The id of the request, if it has one" }),
  outputs: z.array(OutputTensor),
});

const object = mustBe("an object");

/** The request body of `POST /v2/repository/index`, which may be empty. */
export const IndexRequest = z.object(
  {
    ready: z
      .boolean(mustBe("true or false"))
      .optional()
      .meta({ description: "Whether only loaded models are listed" }),
  },
  object,
);

export const RepositoryIndex = z.array(
  z.object({
    name: z.string(),
    version: z.string().optional(),
    state: z.enum(["READY", "UNAVAILABLE"]),
    reason: z.string(),
  }),
);

/** The request body of a load, which may be empty. The model's files are loaded as they are. */
export const LoadRequest = z.object(
  { parameters: z.strictObject({}, mustBe("empty: the files are loaded as they are")).optional() },
  object,
);

/** The request body of an unload, which may be empty. */
export const UnloadRequest = z.object({ parameters: z.looseObject({}, object).optional() }, object);

export const ModelLoaded = z.object({ name: z.string(), load: z.boolean() });
export const ModelUnloaded = z.object({ name: z.string(), unload: z.boolean() });

/** The body of an error response. */
export const ProtocolError = z.object({ error: z.string() });
