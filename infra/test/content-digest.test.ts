import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { contentDigest } from "../content-digest.ts";

const allowList = "# a comment\n*\n\n!a.json\n!src\n!models/*.onnx\n";

function context(dockerignore = allowList) {
  const folder = mkdtempSync(join(tmpdir(), "context "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "src/deep"), { recursive: true });
  mkdirSync(join(folder, "models"));
  const models = ["models/chosen.onnx", "models/other.onnx"];
  for (const path of ["a.json", "src/b.ts", "src/deep/c.ts", "Dockerfile", "other", ...models]) {
    writeFileSync(join(folder, path), path);
  }
  writeFileSync(join(folder, ".dockerignore"), dockerignore);
  return { folder, digest: () => contentDigest(folder, ["Dockerfile", "models/chosen.onnx"], {}) };
}

test("the same content in another folder has the same digest", () => {
  expect(context().digest()).toMatch(/^[0-9a-f]{64}$/);
  expect(context().digest()).toBe(context().digest());
});

test.each([
  ...["a.json", "src/b.ts", "src/deep/c.ts", "src/new.ts"],
  ...["Dockerfile", "models/chosen.onnx"],
])("a change of %s changes the digest", (path) => {
  const { folder, digest } = context();
  const before = digest();
  appendFileSync(join(folder, path), " ");
  expect(digest()).not.toBe(before);
});

test("moving a file changes the digest", () => {
  const { folder, digest } = context();
  const before = digest();
  rmSync(join(folder, "src/b.ts"));
  writeFileSync(join(folder, "src/bb.ts"), "src/b.ts");
  expect(digest()).not.toBe(before);
});

test.each([
  ["outside the allow-list", "other"],
  ["that a pattern allows but no argument selects", "models/other.onnx"],
])("a change of a file %s keeps the digest", (_, path) => {
  const { folder, digest } = context();
  const before = digest();
  appendFileSync(join(folder, path), " ");
  expect(digest()).toBe(before);
});

test("names and values of build arguments change the digest, their order does not", () => {
  const { folder } = context();
  const digest = (args: Record<string, string>) => contentDigest(folder, ["Dockerfile"], args);
  const digests = [{}, { A: "1" }, { A: "2" }, { B: "1" }, { A: "1", B: "2" }].map(digest);
  expect(new Set(digests).size).toBe(digests.length);
  expect(digest({ B: "2", A: "1" })).toBe(digest({ A: "1", B: "2" }));
});

test.each([
  "node_modules\n",
  "!a.json\n*\n",
  "*\n!a.json\nsrc/deep\n",
  "*\n!src/**\n",
  "*\n!*\n",
  "",
])("a .dockerignore that is not an allow-list is refused: %j", (dockerignore) => {
  expect(context(dockerignore).digest).toThrow(".dockerignore must be an allow-list");
});

test("the service has a digest", () => {
  const root = join(import.meta.dirname, "../..");
  expect(contentDigest(root, ["service/Dockerfile"], {})).toMatch(/^[0-9a-f]{64}$/);
});
