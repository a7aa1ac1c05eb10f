import { expect, test } from "vitest";
import { type ProgressReporter, withProgress } from "../src/progress.ts";

async function shown(
  isTTY: boolean,
  work: (report: ProgressReporter) => void,
): Promise<readonly string[]> {
  const texts: string[] = [];
  const stream = { isTTY, write: (text: string) => texts.push(text) };
  await withProgress(stream, "fit", work).catch(() => {});
  return texts;
}

test("the line on the terminal is ended even if the work fails", async () => {
  const texts = await shown(true, (report) => {
    report(0.5, "half");
    throw new Error("broken");
  });
  expect(texts.at(-1)).toBe("\n");
});

test("an error of the work is passed on", async () => {
  const failing = withProgress({ write() {} }, "fit", () => {
    throw new Error("broken");
  });
  await expect(failing).rejects.toThrow("broken");
});

test("nothing is shown if the work reports no progress", async () => {
  expect(await shown(true, () => {})).toEqual([]);
  expect(await shown(false, () => {})).toEqual([]);
});

test("a terminal shows a progress bar that is redrawn", async () => {
  const texts = await shown(true, (report) => {
    report(0.5, "half");
    report(1, "all");
  });
  const half = `${"█".repeat(6)}${"░".repeat(6)}`;
  expect(texts).toEqual([
    `\r\u001b[Kfit ${half}  50 % half`,
    `\r\u001b[Kfit ${"█".repeat(12)} 100 % all`,
    "\n",
  ]);
});

test("any other stream gets one line per tenth of the work, and the last report", async () => {
  const texts = await shown(false, (report) => {
    for (let done = 1; done <= 25; done++) report(done / 100, `${done}`);
  });
  expect(texts).toEqual(["fit  10 % 10\n", "fit  20 % 20\n", "fit  25 % 25\n"]);
});
