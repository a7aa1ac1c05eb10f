import { rename, rm, writeFile } from "node:fs/promises";

/**
 * Replaces files. At any time, each file has either its old content or its complete new content. No
 * file is replaced before all new content is written.
 *
 * @param contents new content by path, in existing folders
 * @throws {Error} if a file can't be written; then all old files are still in place
 */
export async function replaceFiles(
  contents: ReadonlyMap<string, string | Uint8Array>,
): Promise<void> {
  const paths = [...contents.keys()];
  try {
    for (const [path, content] of contents) await writeFile(temporaryName(path), content);
    for (const path of paths) await rename(temporaryName(path), path);
  } finally {
    for (const path of paths) await rm(temporaryName(path), { force: true });
  }
}

function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}
