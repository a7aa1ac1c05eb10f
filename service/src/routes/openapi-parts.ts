import { z } from "zod";
import type { ModelCard } from "../model/card.ts";
import type { Json } from "./endpoint.ts";

// Building blocks of the endpoints' OpenAPI operations.

/** A reference to a schema. */
export const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** JSON content with a schema. */
export const jsonContent = (schema: string, rest: Json = {}): Json => ({
  "application/json": { schema: schemaRef(schema), ...rest },
});

/** The description of a header. */
export const header = (description: string, schema: Json): Json => ({ description, schema });

/** A reference to a header. */
export const headerRef = (name: string): Json => ({ $ref: `#/components/headers/${name}` });

/** The description of a response with JSON content. */
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

const malformedRequest = "The request is not valid HTTP";

/**
 * Creates the description of a 400 response, which any request can get.
 *
 * @param reason another reason for this status
 */
export const badRequest = (reason?: string) =>
  response([reason, malformedRequest].filter(Boolean).join(". "), "HTTPError");

/** Returns the schemas of error responses. The example is about the card's first feature. */
export function errorSchemas({ features }: ModelCard) {
  const ValidationError = z.object({
    type: z.string().meta({ description: "Pydantic's error type", examples: ["missing"] }),
    loc: z.array(z.union([z.string(), z.int()])).meta({
      description: "The path to the invalid value. For malformed JSON, the offset in code points",
      examples: features.slice(0, 1).map(({ name }) => ["body", name]),
    }),
    msg: z.string(),
    input: z.unknown().optional().meta({
      description: "The invalid value as sent. Omitted if its JSON is longer than 4 KiB",
    }),
    ctx: z.record(z.string(), z.unknown()).optional(),
  });
  return {
    ValidationError,
    HTTPValidationError: z.object({
      detail: z.array(ValidationError).meta({ description: "At most 1,000 errors" }),
    }),
    HTTPError: z.object({ detail: z.string() }),
  };
}
