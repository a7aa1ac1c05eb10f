import { spawn } from "node:child_process";
import { freePort, ready, type Server, stopper } from "./servers.ts";

/** The servers in `references/`. */
export type Reference = "node-http" | "hono" | "hono-redis";

/** Headers that the server itself adds to every answer. */
const added = ["connection", "content-length", "date", "keep-alive"];

/** Starts a bare server that answers as `answer`, with the same headers. */
export async function startReference(
  name: Reference,
  answer: Response,
  redisUrl: string,
): Promise<Server> {
  const headers = [...answer.headers].filter(([header]) => !added.includes(header));
  const body = await answer.text();
  const port = await freePort();
  const path = new URL(`references/${name}.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, [path], {
    env: {
      PORT: String(port),
      REDIS_URL: redisUrl,
      ANSWER: JSON.stringify({ body, headers: Object.fromEntries(headers) }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await ready(child, /listening/);
  return { port, process: child, stop: stopper(child) };
}
