import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalService } from "./local-service.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Each command in the README's console examples, with the output shown. */
const examples = Array.from(readme.matchAll(/```console\n([\s\S]*?)```/g), ([, text = ""]) => text)
  .flatMap((text) => text.split(/^\$ /m).slice(1))
  .map((text) => text.trimEnd().split("\n"))
  .map(([command = "", ...shown]) => ({ command, shown: shown.join("\n") }));

/** Matches the output shown; `…` matches any text. */
function pattern(shown: string): RegExp {
  const parts = shown.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

describe("the README's examples", () => {
  let service: Awaited<ReturnType<typeof startLocalService>>;

  beforeAll(async () => {
    service = await startLocalService();
  });
  afterAll(() => service.stop());

  test("the README's examples cover each endpoint", () => {
    const commands = examples.map(({ command }) => command).join("\n");
    for (const path of ["/hello", "/health", "/predict", "/bulk_predict"]) {
      expect(commands).toContain(`http://127.0.0.1:8000${path}`);
    }
  });

  test.for(examples)("the README shows the current output of $command", ({ command, shown }) => {
    const output = execFileSync("bash", ["-c", service.here(command)]).toString();
    expect(output.trim()).toMatch(pattern(shown));
  });
});
