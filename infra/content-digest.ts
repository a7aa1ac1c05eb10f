import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns the files and folders in a `.dockerignore` that is an allow-list. Patterns are left out,
 * since the image contains only some of the files that they match.
 */
function allowedPaths(dockerignore: string): string[] {
  const [denyAll, ...rest] = dockerignore
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (denyAll !== "*" || !rest.every((line) => /^![\w./-]+(\/\*\.\w+)?$/.test(line))) {
    throw new Error(".dockerignore must be an allow-list: a line *, then lines !PATH");
  }
  return rest.map((line) => line.replace(/^!/, "")).filter((path) => !path.includes("*"));
}

function filesUnder(context: string, path: string): string[] {
  if (!statSync(join(context, path)).isDirectory()) return [path];
  return readdirSync(join(context, path)).flatMap((name) => filesUnder(context, `${path}/${name}`));
}

/**
 * Computes a digest of everything that an image is built from: the files and folders that
 * `.dockerignore` allows, with their paths, and the build arguments.
 *
 * @param chosen more files: the Dockerfile, and the files that the build arguments select among
 *   those that match a pattern in `.dockerignore`
 * @returns a SHA-256 digest in hex
 * @throws {Error} if `.dockerignore` is not an allow-list
 */
export function contentDigest(
  context: string,
  chosen: readonly string[],
  buildArgs: Readonly<Record<string, string>>,
): string {
  const dockerignore = readFileSync(join(context, ".dockerignore"), "utf8");
  const paths = [...chosen, ...allowedPaths(dockerignore)];
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
