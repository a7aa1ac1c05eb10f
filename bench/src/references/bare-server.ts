import { hash } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createClient } from "redis";
import { z } from "zod";

// A server that reads the whole body and sends a constant response. With REDIS_URL, it also parses
// the body, hashes it and sends one GET to Redis.
const { PORT, REDIS_URL, RESPONSE = "" } = process.env;
const Constant = z.object({ body: z.string(), headers: z.record(z.string(), z.string()) });
const { body, headers } = Constant.parse(JSON.parse(RESPONSE));
const options = { RESP: 2, commandOptions: { timeout: 0 } } as const;
const redis = REDIS_URL ? await createClient({ url: REDIS_URL, ...options }).connect() : undefined;

const app = new Hono()
  .get("*", () => new Response())
  .post("*", async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    if (redis === undefined) return new Response(body, { headers });
    JSON.parse(Buffer.from(bytes).toString());
    const key = hash("sha256", bytes);
    const found = await redis.get(key);
    if (found === null) await redis.set(key, body);
    return new Response(found ?? body, { headers });
  });
serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" });
