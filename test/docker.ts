import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Returns whether a Docker daemon is running. */
export function dockerAnswers(): boolean {
  return spawnSync("docker", ["info"]).status === 0;
}

/**
 * Runs a Docker command.
 *
 * @returns its output without the last line break
 * @throws {Error} with Docker's message if it fails
 */
export function docker(...args: readonly string[]): string {
  const options = { encoding: "utf8", stdio: "pipe", maxBuffer: 64 * 1024 * 1024 } as const;
  return execFileSync("docker", args, options).trimEnd();
}

/**
 * Builds the service's image.
 *
 * @param project the build context. By default, the checkout.
 */
export function buildServiceImage(
  tag: string,
  buildArgs: Readonly<Record<string, string>> = {},
  project = root,
): void {
  const args = Object.entries(buildArgs).flatMap((pair) => ["--build-arg", pair.join("=")]);
  const dockerfile = join(project, "service/Dockerfile");
  docker("build", ...args, "--file", dockerfile, "--tag", tag, project);
}
