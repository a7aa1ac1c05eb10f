import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { readArchiveMember } from "./archive.ts";
import { californiaHousing, type Dataset, parseDataset } from "./dataset.ts";
import { download, type RemoteFile } from "./download.ts";
import { type ProgressStream, withProgress } from "./progress.ts";
import { replaceFiles } from "./replace-files.ts";
import { sha256 } from "./sha256.ts";

/** A downloadable archive that contains a raw file. */
export interface RemoteArchive extends RemoteFile {
  /** The path of the raw file in the archive. */
  readonly member: string;
}

/** The copy of the StatLib archive that scikit-learn's `fetch_california_housing` uses. */
const californiaHousingArchive: RemoteArchive = {
  url: "https://ndownloader.figshare.com/files/5976036",
  sha256: "aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681",
  member: "CaliforniaHousing/cal_housing.data",
};

const archiveCacheFile = path.join(import.meta.dirname, "../.data/cal_housing.tgz");

/**
 * Loads the California housing data from a local raw file if one is given, otherwise from the
 * cached or downloaded archive.
 *
 * @throws {Error} if the file can't be read, the download fails, or the data is not the expected
 *   data
 */
export async function loadCaliforniaHousing(
  rawFile: string | undefined,
  stream: ProgressStream,
): Promise<Dataset> {
  const raw =
    rawFile === undefined
      ? await fetchRawFile(californiaHousingArchive, archiveCacheFile, stream)
      : await readFile(rawFile);
  return parseDataset(raw, californiaHousing);
}

/**
 * Reads the raw file from a remote archive. The archive is cached in `cacheFile`, and downloaded
 * again if that file is missing or has a different digest.
 *
 * @throws {Error} if the download fails or the archive is not the expected one
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
