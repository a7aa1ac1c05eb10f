import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pictureFile, recordTerminal, withoutDurations } from "./terminal-picture.ts";

test("docs/terminal.svg shows the current responses: pnpm picture draws it", async () => {
  const picture = readFileSync(pictureFile, "utf8");
  expect(withoutDurations(picture)).toBe(withoutDurations(await recordTerminal()));
});
