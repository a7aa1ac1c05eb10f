import type { z } from "zod";
import type { Endpoint, Json } from "../routes/endpoint.ts";
import { badRequest, response, schemaRef } from "../routes/openapi-parts.ts";
import { ProtocolError } from "./schemas.ts";

/** What the OpenAPI description of a protocol endpoint contains. */
export interface Description {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  /** The schemas of its bodies, by name. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly success: Json;
  /** Other responses by status. */
  readonly errors?: Readonly<Record<number, Json>>;
}

/** Describes an error response of the protocol. */
export const protocolError = (description: string, headers: Readonly<Record<string, Json>> = {}) =>
  response(description, "ProtocolError", headers);

/** Describes a 400 response: an error of the protocol, or one that is not even valid HTTP. */
export const invalidRequest = (reason: string): Json => {
  const anyOf = [schemaRef("ProtocolError"), schemaRef("HTTPError")];
  return { ...badRequest(reason), content: { "application/json": { schema: { anyOf } } } };
};

const pathParameters = {
  name: "The name of the model, which is the name of its file without `.onnx`",
  version: "The version of the model, which is the SHA-256 of its file",
};

/** Returns the OpenAPI parameters of a path such as `/v2/models/:name`. */
function parametersOf(path: string): readonly Json[] {
  return Object.entries(pathParameters)
    .filter(([name]) => path.includes(`:${name}`))
    .map(([name, description]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
    }));
}

/** Describes an endpoint of the Open Inference Protocol. */
export function describe(
  path: string,
  description: Description,
): NonNullable<Endpoint["describe"]> {
  const { schemas, success, errors, parameters = [], ...rest } = description;
  const inPath = parametersOf(path);
  return () => ({
    schemas: { ...schemas, ProtocolError },
    operation: {
      ...rest,
      tags: ["Open Inference Protocol"],
      parameters: [...inPath, ...parameters],
      responses: {
        200: success,
        400: badRequest(),
        ...(inPath.length > 0 && { 404: protocolError("The model or the version is not loaded") }),
        405: protocolError("The method is not allowed. `Allow` lists the allowed methods"),
        ...errors,
      },
    },
  });
}
