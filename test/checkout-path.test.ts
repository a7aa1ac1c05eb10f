import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startLocalService } from "./local-service.ts";
import { root } from "./machine.ts";

const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" });
const files = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
  .split("\0")
  .filter((file) => file !== "");

describe("a path with a space and a non-ASCII letter", () => {
  let folder: string;
  let checkout: string;
  const { HOME, PATH } = process.env;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "checkout-"));
    checkout = join(folder, "web dir é");
    for (const file of files) cpSync(join(root, file), join(checkout, file));
    for (const path of globSync("{.,service,model,infra,bench}/node_modules", { cwd: root })) {
      symlinkSync(join(root, path), join(checkout, path));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("the service runs in a path with a space and a non-ASCII letter", async () => {
    const { port, stop } = await startLocalService({}, checkout);
    onTestFinished(stop);

    const response = await fetch(`http://127.0.0.1:${port}/bulk_predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"houses":[]}',
    });

    expect(await response.text()).toBe('{"predictions":[]}');
  });

  // Files that start programs or read files of the checkout.
  test.each([
    "service/test/loaded-model.test.ts",
    "model/test/commands.test.ts",
    "model/test/committed-model.test.ts",
    "infra/test/runner.test.ts",
    "infra/test/content-digest.test.ts",
    "test/readme.test.ts",
  ])("%s passes in a path with a space and a non-ASCII letter", async (file) => {
    const vitest = join(checkout, "node_modules/vitest/vitest.mjs");
    const child = spawn(process.execPath, [vitest, "run", file], {
      cwd: checkout,
      env: { PATH, HOME, NO_COLOR: "1" },
    });
    const output = child.stdout.setEncoding("utf8").toArray();
    const errors = child.stderr.setEncoding("utf8").toArray();
    const [status] = await once(child, "close");

    const text = (await output).join("");
    expect({ status, text, errors: await errors }).toMatchObject({ status: 0, errors: [] });
    expect(text).toMatch(/Tests +\d+ passed/);
  });
});

// `pathname` is percent-encoded: it names another file if the path has a space or a non-ASCII
// letter.
test("no program takes the path of a file from a URL's pathname", () => {
  const programs = files.filter((file) => /\.[cm]?[jt]s$/.test(file));
  const found = programs.filter((file) =>
    /import\.meta\.url[^;]*?\.pathname/.test(readFileSync(join(root, file), "utf8")),
  );

  expect(programs.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});
