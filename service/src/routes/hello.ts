import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { z } from "zod";
import { invalid } from "../wire/refusal.ts";
import { missing } from "../wire/faults.ts";

/** The query of `/hello`; a repeated name arrives as a list, and any text is a name. */
const HelloQuery = z.object({ name: z.union([z.string(), z.array(z.string())]) });

/** The answer of `/hello`. */
export const Hello = z.strictObject({ message: z.string() });

/** `GET /hello?name=x`: greets. */
export const hello = new Hono().get(
  "/hello",
  zValidator("query", HelloQuery, ({ success }) => {
    if (!success) throw invalid([missing(["query", "name"], "null")]);
  }),
  (c) => {
    // Hono leaves invalid UTF-8 as it stands; the WHATWG parser decodes it as Python's does.
    const names = new URL(c.req.url).searchParams.getAll("name");
    return c.json<z.infer<typeof Hello>>({ message: `Hello ${names.at(-1)}` });
  },
);
