import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { modelFolder } from "../src/model-files.ts";

const buf = path.join(modelFolder, "node_modules/.bin/buf");
const generated = "src/generated/onnx_pb.ts";

test("the committed ONNX schema is what buf generates from its .proto file", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "generated-schema-"));
  try {
    const { status, stderr } = spawnSync(buf, ["generate", "--output", folder], {
      cwd: modelFolder,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await readFile(path.join(folder, generated), "utf8")).toBe(
      await readFile(path.join(modelFolder, generated), "utf8"),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
