import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const isSupported = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

/** Whether this machine has Python 3.10 or newer, which can create environments. */
export const hasPython = spawnSync("python3", ["-c", isSupported]).status === 0;

/**
 * Creates an environment with Python packages in `.tools`, unless it is there. That can take a minute.
 *
 * @param packages the path of a list of packages
 * @returns the folder with the environment's commands
 */
export function pythonEnvironment(name: string, packages: string): string {
  const version = createHash("sha256").update(readFileSync(packages)).digest("hex").slice(0, 16);
  const environment = join(import.meta.dirname, `../.tools/${name}-${version}`);
  const commands = join(environment, "bin");
  const installed = join(environment, "installed");
  if (existsSync(installed)) return commands;
  rmSync(environment, { recursive: true, force: true });
  execFileSync("python3", ["-m", "venv", environment]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  execFileSync(join(commands, "python"), [...pip, "--requirement", packages]);
  writeFileSync(installed, "");
  return commands;
}
