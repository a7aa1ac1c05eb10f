import { z } from "zod";
import { missing } from "../wire/faults.ts";
import { invalid } from "../wire/refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import { json } from "./exchange.ts";
import { methodNotAllowed, response, validationFailed } from "./openapi-parts.ts";

/** The query of `/hello`. Any text is a name. */
const HelloQuery = z.object({ name: z.string() });

/** The response body of `/hello`. */
const Hello = z.strictObject({ message: z.string() });

/** `GET /hello?name=x`: greets. */
export const helloEndpoint: Endpoint = {
  method: "GET",
  path: "/hello",
  handle(c) {
    // Not Hono's parser, which leaves invalid UTF-8 encoded; this one decodes it as Python's does.
    const { searchParams } = new URL(c.req.url);
    const { success, data } = HelloQuery.safeParse({ name: searchParams.getAll("name").at(-1) });
    if (!success) throw invalid([missing(["query", "name"], "null")]);
    return json({ message: `Hello ${data.name}` } satisfies z.infer<typeof Hello>);
  },
  describe: () => ({
    schemas: { Hello },
    operation: {
      operationId: "hello_hello_get",
      summary: "Greet",
      tags: ["service"],
      parameters: [
        {
          name: "name",
          in: "query",
          required: true,
          description: "Used unchanged; if it is repeated, the last one",
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
