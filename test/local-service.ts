import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const { PATH } = process.env;

/**
 * Starts the service on a free port.
 *
 * @param settings environment variables other than the defaults
 * @param checkout the folder of the project
 */
export async function startLocalService(
  settings: Readonly<Record<string, string>> = {},
  checkout = join(import.meta.dirname, ".."),
) {
  const child = spawn(process.execPath, [join(checkout, "service/src/main.ts")], {
    env: { PATH, PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  child.stdout.resume();
  const { port }: { port: number } = JSON.parse(line).address;
  return {
    port,
    /** The same command, for this service instead of one on port 8000. */
    here: (command: string) => command.replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`),
    stop: () => void child.kill(),
  };
}
