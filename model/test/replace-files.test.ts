import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFiles } from "../src/replace-files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "replace-files-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("if one file can't be written, all old files stay unchanged and no temporary files are left", async () => {
  const old = path.join(folder, "old");
  await writeFile(old, "old");
  const contents = new Map([
    [old, "new"],
    [path.join(folder, "missing", "file"), "new"],
  ]);
  await expect(replaceFiles(contents)).rejects.toThrow("ENOENT");
  expect(await readFile(old, "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["old"]);
});

test("files are replaced or created, with text or bytes", async () => {
  const old = path.join(folder, "old");
  await writeFile(old, "old");
  const made = path.join(folder, "made");
  await replaceFiles(
    new Map<string, string | Uint8Array>([
      [old, "new"],
      [made, Uint8Array.of(1, 2)],
    ]),
  );
  expect(await readFile(old, "utf8")).toBe("new");
  expect([...(await readFile(made))]).toEqual([1, 2]);
  expect((await readdir(folder)).toSorted()).toEqual(["made", "old"]);
});
