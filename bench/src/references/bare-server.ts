import { hash } from "node:crypto";
import { createServer } from "node:http";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createClient } from "redis";
import { z } from "zod";

// A server that reads the whole body and sends a constant response. The argument is `node-http`,
// `hono` or `hono-redis`, which also parses the body, hashes it and sends one GET to Redis.
const { PORT, REDIS_URL, RESPONSE = "" } = process.env;
const Constant = z.object({ body: z.string(), headers: z.record(z.string(), z.string()) });
const { body, headers } = Constant.parse(JSON.parse(RESPONSE));
const address = { port: Number(PORT), hostname: "127.0.0.1" };

if (process.argv[2] === "node-http") {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      Buffer.concat(chunks);
      response.writeHead(200, headers).end(body);
    });
  });
  server.listen(address.port, address.hostname);
} else if (process.argv[2] === "hono") {
  const app = new Hono().all("*", async (c) => {
    await c.req.arrayBuffer();
    return new Response(body, { headers });
  });
  serve({ fetch: app.fetch, ...address });
} else {
  const redis = createClient({ url: REDIS_URL ?? "", RESP: 2, commandOptions: { timeout: 0 } });
  await redis.connect();
  const app = new Hono()
    .get("*", () => new Response())
    .post("*", async (c) => {
      const bytes = new Uint8Array(await c.req.arrayBuffer());
      JSON.parse(Buffer.from(bytes).toString());
      const key = hash("sha256", bytes);
      const found = await redis.get(key);
      if (found === null) await redis.set(key, body);
      return new Response(found ?? body, { headers });
    });
  serve({ fetch: app.fetch, ...address });
}
