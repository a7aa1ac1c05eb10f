import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf, commandsOf, patternOf } from "./guide.ts";
import { startLocalService } from "./local-service.ts";

const root = join(import.meta.dirname, "..");

/** Each command in the console examples of these documents, with the output shown. */
const examples = ["README.md", "docs/open-inference.md", "docs/explanations.md"].flatMap(
  (document) =>
    blocksOf(readFileSync(join(root, document), "utf8"))
      .filter(({ language }) => language === "console")
      .flatMap((block) => commandsOf(block).map((example) => ({ document, ...example }))),
);

describe("examples", () => {
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

  test.for(examples)("$document shows the current output of $command", ({ command, output }) => {
    const found = execFileSync("bash", ["-c", service.here(command)]).toString();
    expect(found.trim()).toMatch(patternOf(output));
  });
});
