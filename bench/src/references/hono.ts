import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { constantAnswer } from "./answer.ts";

// Bare Hono on its Node adapter: reads the whole body, answers a constant.
const { PORT } = process.env;
const { body, headers } = constantAnswer();

const app = new Hono().post("*", async (c) => {
  await c.req.arrayBuffer();
  return new Response(body, { headers });
});
serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" }, () => {
  process.stdout.write("listening\n");
});
