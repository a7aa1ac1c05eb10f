import { z } from "zod";
import { missing } from "../wire/faults.ts";
import { invalid } from "../wire/refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import { json } from "./exchange.ts";
import { methodNotAllowed, response, validationFailed } from "./openapi-parts.ts";

/** The query of `/hello`. Any text is a valid name. */
const HelloQuery = z.object({ name: z.string() });

/** The response body of `/hello`. */
const Hello = z.strictObject({ message: z.string() });

/** `GET /hello?name=x` returns a greeting. */
export const helloEndpoint: Endpoint = {
  method: "GET",
  path: "/hello",
  handle(c) {
    // Unlike Hono's parser, this one decodes invalid UTF-8 like Python does.
    const { searchParams } = new URL(c.req.url);
    const { success, data } = HelloQuery.safeParse({ name: searchParams.getAll("name").at(-1) });
    if (!success) throw invalid([missing(["query", "name"], "null")]);
    return json({ message: `Hello ${data.name}` } satisfies z.infer<typeof Hello>);
  },
  describe: () => ({
    schemas: { Hello },
    operation: {
      operationId: "hello_hello_get",
      summary: "Greet someone",
      tags: ["service"],
      parameters: [
        {
          name: "name",
          in: "query",
          required: true,
          description: "Used unchanged. If it is repeated, the last one counts",
          schema: { type: "string" },
          example: "World",
        },
      ],
      responses: {
        200: response("The greeting", "Hello"),
        405: methodNotAllowed,
        422: validationFailed,
      },
    },
  }),
};
