import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const main = join(import.meta.dirname, "../service/src/main.ts");
const { PATH } = process.env;

/**
 * Starts the service on a free port.
 *
 * @param settings environment variables other than the defaults
 */
export async function startLocalService(settings: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [main], { env: { PATH, PORT: "0", ...settings } });
  const [line] = await once(createInterface(child.stdout), "line");
  const [, port] = /"port":(\d+)/.exec(String(line)) ?? [];
  return {
    /** The same command, for this service instead of one on port 8000. */
    here: (command: string) => command.replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`),
    stop: () => void child.kill(),
  };
}
