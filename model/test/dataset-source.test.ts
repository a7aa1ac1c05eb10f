import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readArchiveMember } from "../src/archive.ts";
import { fetchRawFile, type RemoteArchive } from "../src/dataset-source.ts";
import { sha256 } from "../src/sha256.ts";

const member = "Folder/raw.data";
const raw = "1,2,3\n";
const silent = { write() {} };

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "dataset-source-"));
});

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function archiveOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/archive.tgz`;
}

function cacheFile(): string {
  return path.join(folder, "cache", "archive.tgz");
}

function fetchFrom(url: string, archive: Uint8Array, stream = silent): Promise<Uint8Array> {
  const remote: RemoteArchive = { url, sha256: sha256(archive), member: member };
  return fetchRawFile(remote, cacheFile(), stream);
}

async function cachedFiles(): Promise<readonly string[]> {
  return readdir(path.dirname(cacheFile())).catch(() => []);
}

describe("a failing download", () => {
  test("a download fails and leaves no file if the server can't be reached", async () => {
    const url = await serve(() => {});
    server?.close();
    await expect(fetchFrom(url, new Uint8Array())).rejects.toThrow(
      /^cannot download http.*archive\.tgz: fetch failed \(connect ECONNREFUSED/,
    );
    expect(await cachedFiles()).toEqual([]);
  });

  test("a download fails and leaves no file if the server responds with an error", async () => {
    const url = await serve((_, response) => response.writeHead(503).end("later"));
    await expect(fetchFrom(url, new Uint8Array())).rejects.toThrow(
      `cannot download ${url}: the server responded with 503 Service Unavailable`,
    );
    expect(await cachedFiles()).toEqual([]);
  });

  test("a download fails and leaves no file if the connection is lost", async () => {
    const archive = await archiveOf({ [member]: raw });
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": archive.length });
      response.write(archive.subarray(0, 20), () => response.destroy());
    });
    await expect(fetchFrom(url, archive)).rejects.toThrow(`cannot download ${url}: terminated`);
    expect(await cachedFiles()).toEqual([]);
  });

  test("a download fails and leaves no file if the digest is wrong", async () => {
    const archive = await archiveOf({ [member]: raw });
    const other = await archiveOf({ [member]: "4,5,6\n" });
    const url = await serve((_, response) => response.end(other));
    await expect(fetchFrom(url, archive)).rejects.toThrow(
      `${url} has SHA-256 ${sha256(other)} instead of ${sha256(archive)}`,
    );
    expect(await cachedFiles()).toEqual([]);
  });
});

describe("an invalid archive", () => {
  test("an archive is rejected if it is not compressed", async () => {
    await expect(readArchiveMember(Buffer.from("text"), member)).rejects.toThrow(
      "incorrect header check",
    );
  });

  test("an archive is rejected if it is truncated", async () => {
    const archive = await archiveOf({ [member]: raw });
    await expect(readArchiveMember(archive.subarray(0, 60), member)).rejects.toThrow(
      "unexpected end of file",
    );
  });

  test("an archive is rejected if it does not contain the file", async () => {
    const archive = await archiveOf({ "Folder/other.data": raw });
    await expect(readArchiveMember(archive, member)).rejects.toThrow(
      `the archive does not contain ${member}`,
    );
  });
});

describe("the raw file", () => {
  test("the raw file is read from a downloaded archive that contains other files, too", async () => {
    const archive = await archiveOf({ "Folder/notes.txt": "notes", [member]: raw, more: "more" });
    const url = await serve((_, response) => response.end(archive));
    expect(Buffer.from(await fetchFrom(url, archive)).toString()).toBe(raw);
    expect(await cachedFiles()).toEqual(["archive.tgz"]);
  });

  test("the second time, the raw file is read from the cached archive", async () => {
    const archive = await archiveOf({ [member]: raw });
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.end(archive);
    });
    await fetchFrom(url, archive);
    expect(Buffer.from(await fetchFrom(url, archive)).toString()).toBe(raw);
    expect(requests).toBe(1);
  });

  test("the archive is downloaded again if the cached copy was changed", async () => {
    const archive = await archiveOf({ [member]: raw });
    const url = await serve((_, response) => response.end(archive));
    await fetchFrom(url, archive);
    await writeFile(cacheFile(), "damaged");
    expect(Buffer.from(await fetchFrom(url, archive)).toString()).toBe(raw);
    expect(sha256(await readFile(cacheFile()))).toBe(sha256(archive));
  });

  test("a download shows its progress", async () => {
    const archive = await archiveOf({ [member]: raw });
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": archive.length }).end(archive);
    });
    const shown: string[] = [];
    await fetchFrom(url, archive, { write: (text?: string) => shown.push(text ?? "") });
    expect(shown.join("")).toBe("download 100 % 0 kB\n");
  });
});
