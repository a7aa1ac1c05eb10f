import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cardFile, locationsFile, modelFolder, onnxFile } from "../src/model-files.ts";
import { rawFile, testWithSampleData } from "./requires.ts";

const timeoutMs = 600_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "commands-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function run(command: string, ...args: readonly string[]) {
  const file = path.join(import.meta.dirname, `../src/${command}.ts`);
  return spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: "utf8" });
}

describe("training on invalid input", () => {
  async function trainOn(raw: string): Promise<ReturnType<typeof run>> {
    const data = path.join(folder, "raw.data");
    await writeFile(data, raw);
    await writeFile(path.join(folder, onnxFile), "old model");
    await writeFile(path.join(folder, cardFile), "old card");
    return run("train", "--data", data, "--output", folder);
  }

  test.each([
    ["is truncated", "-122.23,37.88,41.0,880.0,129.0", "data set line 1: 5 columns instead of 9"],
    [
      "is malformed",
      "1,2,3,4,5,6,7,8,nine",
      "data set line 1: medianHouseValue is not a decimal number",
    ],
    ["is a different data set", "1,2,3,4,5,6,7,8,9", "data set has 1 rows instead of 20640"],
  ])(
    "training fails with one line and keeps the old model if the data %s",
    async (_, raw, fault) => {
      expect(await trainOn(raw)).toMatchObject({
        status: 1,
        stdout: "",
        stderr: `error: ${fault}\n`,
      });
      expect(await readFile(path.join(folder, onnxFile), "utf8")).toBe("old model");
      expect(await readFile(path.join(folder, cardFile), "utf8")).toBe("old card");
    },
  );

  test("training fails with one line if the data file does not exist", async () => {
    const { status, stderr } = run("train", "--data", "missing", "--output", folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: ENOENT.*missing'\n$/);
    expect(await readdir(folder)).toEqual([]);
  });

  test("training fails with one line if an option is unknown", async () => {
    const { status, stderr } = run("train", "--dat", "raw.data");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: Unknown option '--dat'/);
  });
});

describe("evaluation", () => {
  test("evaluation fails if the card describes a different file", async () => {
    await writeFile(path.join(folder, onnxFile), "another model");
    await copyFile(path.join(modelFolder, cardFile), path.join(folder, cardFile));
    expect(run("evaluate", "--model", folder)).toMatchObject({
      status: 1,
      stderr: `error: ${cardFile} does not describe this ${onnxFile}\n`,
    });
  });

  testWithSampleData("evaluation prints the metrics on the held-out rows", async () => {
    const { stdout } = run("evaluate", "--data", rawFile);
    expect(stdout).toMatch(
      /^california-housing on 6812 held-out rows: R² 0\.88\d{2} {2}RMSE 0\.\d{4} {2}MAE 0\.\d{4}\n$/,
    );
  });
});

describe("training", () => {
  testWithSampleData(
    "training writes the committed files, byte for byte, and shows progress as plain lines",
    async () => {
      const files = [cardFile, locationsFile, onnxFile];
      const { status, stdout, stderr } = run("train", "--data", rawFile, "--output", folder);
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^fit {2}10 % tree \d+ of .*\n(.*\n)+intervals 100 % tree \d+ of .*\n$/,
      );
      expect(stdout).toMatch(/^\d+ trees, \d+ leaves, version [0-9a-f]{64}\n/);
      expect((await readdir(folder)).toSorted()).toEqual(files);
      for (const file of files) {
        const written = await readFile(path.join(folder, file));
        expect(written.equals(await readFile(path.join(modelFolder, file)))).toBe(true);
      }
    },
    timeoutMs,
  );
});
