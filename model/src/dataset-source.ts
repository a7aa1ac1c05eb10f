import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { readArchiveMember } from "./archive.ts";
import { CALIFORNIA_HOUSING, type Dataset, parseDataset } from "./dataset.ts";
import { download, type RemoteFile } from "./download.ts";
import { type ProgressStream, withProgress } from "./progress.ts";
import { replaceFiles } from "./replace-files.ts";
import { sha256 } from "./sha256.ts";

/** An archive on the web that holds a raw file. */
export type RemoteArchive = RemoteFile & { readonly member: string };

/** The copy of the StatLib archive that scikit-learn's `fetch_california_housing` uses. */
const CALIFORNIA_HOUSING_ARCHIVE: RemoteArchive = {
  url: "https://ndownloader.figshare.com/files/5976036",
  sha256: "aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681",
  member: "CaliforniaHousing/cal_housing.data",
};

const CACHE_FILE = path.join(import.meta.dirname, "../.data/cal_housing.tgz");

/**
 * The California housing data: from a local raw file where one is given, else from the cached or
 * downloaded archive.
 *
 * @throws Error when the file can't be read, the download fails or the data is not the expected
 */
export async function loadCaliforniaHousing(
  rawFile: string | undefined,
  stream: ProgressStream,
): Promise<Dataset> {
  const raw =
    rawFile === undefined
      ? await fetchRawFile(CALIFORNIA_HOUSING_ARCHIVE, CACHE_FILE, stream)
      : await readFile(rawFile);
  return parseDataset(raw, CALIFORNIA_HOUSING);
}

/**
 * The raw file in a remote archive. The archive is kept in `cacheFile`, and downloaded again when
 * that is not there or has another digest.
 *
 * @throws Error when the download fails or the archive is not the expected
 */
export async function fetchRawFile(
  archive: RemoteArchive,
  cacheFile: string,
  stream: ProgressStream,
): Promise<Uint8Array> {
  const cached = existsSync(cacheFile) ? await readFile(cacheFile) : undefined;
  if (cached !== undefined && sha256(cached) === archive.sha256) {
    return readArchiveMember(cached, archive.member);
  }
  const content = await withProgress(stream, "download", (report) => download(archive, report));
  await mkdir(path.dirname(cacheFile), { recursive: true });
  await replaceFiles(new Map([[cacheFile, content]]));
  return readArchiveMember(content, archive.member);
}
