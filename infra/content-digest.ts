import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The paths in a `.dockerignore` that is an allow-list. */
function allowedPaths(dockerignore: string): string[] {
  const [denyAll, ...rest] = dockerignore
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const allowed = rest.map((line) => line.replace(/^!/, ""));
  if (denyAll !== "*" || !rest.every((line) => /^![\w./-]+$/.test(line))) {
    throw new Error(".dockerignore must be an allow-list: a line *, then lines !PATH");
  }
  return allowed;
}

function filesUnder(context: string, path: string): string[] {
  if (!statSync(join(context, path)).isDirectory()) return [path];
  return readdirSync(join(context, path)).flatMap((name) => filesUnder(context, `${path}/${name}`));
}

/**
 * Identifies what an image is built from: the Dockerfile, the files that `.dockerignore` allows, with
 * their paths, and the build arguments.
 *
 * @returns a SHA-256 digest in hex
 * @throws if `.dockerignore` is not an allow-list
 */
export function contentDigest(
  context: string,
  dockerfile: string,
  buildArgs: Readonly<Record<string, string>> = {},
): string {
  const dockerignore = readFileSync(join(context, ".dockerignore"), "utf8");
  const paths = [dockerfile, ...allowedPaths(dockerignore)];
  const files = new Set(paths.flatMap((path) => filesUnder(context, path)));
  const digest = createHash("sha256");
  for (const file of [...files].sort()) {
    const bytes = readFileSync(join(context, file));
    digest.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  for (const name of Object.keys(buildArgs).sort()) {
    digest.update(`${name}=${buildArgs[name]}\0`);
  }
  return digest.digest("hex");
}
