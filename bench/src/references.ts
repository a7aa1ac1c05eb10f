import type { Answer } from "./load.ts";
import { startProgram } from "./programs.ts";
import type { Server } from "./servers.ts";

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
  return startProgram(name, {
    REDIS_URL: redisUrl,
    ANSWER: JSON.stringify({ body, headers: Object.fromEntries(repeated) }),
  });
}
