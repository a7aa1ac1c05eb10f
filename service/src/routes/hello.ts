import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { z } from "zod";
import { Refusal } from "../wire/refusal.ts";
import { missing } from "../wire/validation.ts";

/** The query of `/hello`. Any text is a name; a repeated name arrives as a list. */
const HelloQuery = z.object({ name: z.union([z.string(), z.array(z.string())]) });

/** The response body of `/hello`. */
export const Hello = z.strictObject({ message: z.string() });

/** `GET /hello?name=x`: greets. */
export const hello = new Hono().get(
  "/hello",
  zValidator("query", HelloQuery, ({ success }) => {
    if (!success) throw new Refusal(422, [missing(["query", "name"], null)]);
  }),
  (c) => {
    // Hono does not decode invalid UTF-8; the WHATWG parser decodes it as Python's does.
    const names = new URL(c.req.url).searchParams.getAll("name");
    return c.json<z.infer<typeof Hello>>({ message: `Hello ${names.at(-1)}` });
  },
);
