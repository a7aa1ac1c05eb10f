import { spawn } from "node:child_process";
import type { Answer } from "./load.ts";
import { freePort, ready, type Server, stopper } from "./servers.ts";

/** The servers in `references/`. */
export type Reference = "node-http" | "hono" | "hono-redis";

/** Headers that the server itself adds to every answer. */
const added = ["connection", "content-length", "date", "keep-alive"];

/** Starts a bare server that sends this answer, with the same headers. */
export async function startReference(
  name: Reference,
  { headers, body }: Answer,
  redisUrl: string,
): Promise<Server> {
  const repeated = [...headers].filter(([header]) => !added.includes(header));
  const port = await freePort();
  const path = new URL(`references/${name}.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, [path], {
    env: {
      PORT: String(port),
      REDIS_URL: redisUrl,
      ANSWER: JSON.stringify({ body, headers: Object.fromEntries(repeated) }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await ready(child, /listening/);
  return { port, process: child, stop: stopper(child) };
}
