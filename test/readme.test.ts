import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Each command in the README's console examples, with the output shown. */
const examples = Array.from(readme.matchAll(/```console\n([\s\S]*?)```/g), ([, text = ""]) => text)
  .flatMap((text) => text.split(/^\$ /m).slice(1))
  .map((text) => text.trimEnd().split("\n"))
  .map(([command = "", ...shown]) => ({ command, shown: shown.join("\n") }));

const quickStart = examples.slice(
  0,
  examples.findIndex(({ command }) => command.includes("-si")),
);

/** Matches the output shown; `…` matches any text. */
function pattern(shown: string): RegExp {
  const parts = shown.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

const { PATH } = process.env;

describe("the README's examples", () => {
  const service = spawn(process.execPath, [join(root, "service/src/main.ts")], {
    env: { PATH, PORT: "0" },
  });
  let port = 0;

  beforeAll(async () => {
    const [line] = await once(createInterface(service.stdout), "line");
    port = JSON.parse(line).address.port;
  });
  afterAll(() => void service.kill());

  test("the README's examples cover each endpoint", () => {
    const commands = quickStart.map(({ command }) => command).join("\n");
    for (const path of ["/hello", "/health", "/predict", "/bulk_predict"]) {
      expect(commands).toContain(`http://127.0.0.1:8000${path}`);
    }
  });

  test.for(quickStart)("the README shows the current output of $command", ({ command, shown }) => {
    const here = command.replace(":8000", `:${port}`);
    expect(execFileSync("bash", ["-c", here]).toString().trim()).toMatch(pattern(shown));
  });
});
