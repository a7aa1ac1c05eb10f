import { z } from "zod";
import type { Json } from "./endpoint.ts";

// Building blocks of the endpoints' OpenAPI operations.

/** A reference to a schema. */
const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** JSON content with a schema. */
export const jsonContent = (schema: string, rest: Json = {}): Json => ({
  "application/json": { schema: schemaRef(schema), ...rest },
});

/** The description of a header. */
export const header = (description: string, schema: Json): Json => ({ description, schema });

/** A reference to a header. */
export const headerRef = (name: string): Json => ({ $ref: `#/components/headers/${name}` });

/** A response with JSON content. */
export const response = (
  description: string,
  schema: string,
  headers: Readonly<Record<string, Json>> = {},
): Json => ({
  description,
  headers: { "X-Request-Id": headerRef("X-Request-Id"), ...headers },
  content: jsonContent(schema),
});

export const validationFailed = response("The request is invalid", "HTTPValidationError");
export const methodNotAllowed = response(
  "The method is not allowed. `Allow` lists the allowed methods",
  "HTTPError",
);

const ValidationError = z.object({
  type: z.string().meta({ description: "Pydantic's error type", examples: ["missing"] }),
  loc: z.array(z.union([z.string(), z.int()])).meta({
    description: "The path to the invalid value. For malformed JSON, the offset in code points",
    examples: [["body", "MedInc"]],
  }),
  msg: z.string(),
  input: z.unknown().optional().meta({
    description: "The invalid value as sent. Omitted if its JSON is longer than 4 KiB",
  }),
  ctx: z.record(z.string(), z.unknown()).optional(),
});

/** The schemas of error responses. */
export const errorSchemas = {
  ValidationError,
  HTTPValidationError: z.object({
    detail: z.array(ValidationError).meta({ description: "At most 1,000 errors" }),
  }),
  HTTPError: z.object({ detail: z.string() }),
};
