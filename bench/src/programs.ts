import { spawn } from "node:child_process";
import { join } from "node:path";
import { freePort, ready, type Server, stopper } from "./servers.ts";

/** Starts a server in `references/`, which says `listening` when it is. */
export async function startProgram(
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Server> {
  const port = await freePort();
  const path = join(import.meta.dirname, `references/${name}.ts`);
  const child = spawn(process.execPath, [path], {
    env: { ...environment, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await ready(child, /listening/);
  return { port, process: child, stop: stopper(child) };
}
