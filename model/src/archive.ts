import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

/**
 * Reads one file from a .tgz archive.
 *
 * @param member the file's path within the archive
 * @throws {Error} if the archive is damaged or does not contain the file
 */
export async function readArchiveMember(archive: Uint8Array, member: string): Promise<Uint8Array> {
  const entries = extract();
  entries.end(gunzipSync(archive));
  let content: Uint8Array | undefined;
  for await (const entry of entries) {
    if (entry.header.name === member) content = await buffer(entry);
    else entry.resume();
  }
  if (content === undefined) throw new Error(`the archive does not contain ${member}`);
  return content;
}
