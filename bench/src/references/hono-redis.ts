import { hash } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createClient } from "redis";
import { constantAnswer } from "./answer.ts";

// Bare Hono that parses the body, hashes it, and answers what one GET finds.
const { PORT, REDIS_URL } = process.env;
const { body, headers } = constantAnswer();
const redis = createClient({ url: REDIS_URL ?? "", RESP: 2, commandOptions: { timeout: 0 } });
await redis.connect();

const app = new Hono().post("*", async (c) => {
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  JSON.parse(Buffer.from(bytes).toString());
  const key = hash("sha256", bytes);
  let found = await redis.get(key);
  if (found === null) {
    await redis.set(key, body);
    found = body;
  }
  return new Response(found, { headers });
});
serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" }, () => {
  process.stdout.write("listening\n");
});
