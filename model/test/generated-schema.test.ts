import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { MODEL_FOLDER } from "../src/model-files.ts";

const BUF = path.join(MODEL_FOLDER, "node_modules/.bin/buf");
const GENERATED = "src/generated/onnx_pb.ts";

test("the checked-in ONNX schema is what its .proto file gives", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "generated-schema-"));
  try {
    const { status, stderr } = spawnSync(BUF, ["generate", "--output", folder], {
      cwd: MODEL_FOLDER,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await readFile(path.join(folder, GENERATED), "utf8")).toBe(
      await readFile(path.join(MODEL_FOLDER, GENERATED), "utf8"),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
