import { rename, rm, writeFile } from "node:fs/promises";

/**
 * Writes files so that each path holds its old content or its whole new one at any time, and no
 * path is touched before all contents are on the disk.
 *
 * @param contents - by path; the folders exist
 * @throws Error when a file can't be written; the old files are then still in place
 */
export async function replaceFiles(
  contents: ReadonlyMap<string, string | Uint8Array>,
): Promise<void> {
  const paths = [...contents.keys()];
  try {
    for (const [path, content] of contents) {
      await writeFile(temporaryName(path), content);
    }
    for (const path of paths) {
      await rename(temporaryName(path), path);
    }
  } finally {
    for (const path of paths) {
      await rm(temporaryName(path), { force: true });
    }
  }
}

function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}
