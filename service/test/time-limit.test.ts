import { expect, test } from "vitest";
import { TimeLimitError, within } from "../src/time-limit.ts";

test("a promise that does not settle in time is waited for no longer", async () => {
  await expect(within(20, new Promise(() => {}))).rejects.toThrow(TimeLimitError);
});

test("what settles in time is passed on, value or error", async () => {
  expect(await within(1_000, Promise.resolve(1))).toBe(1);
  await expect(within(1_000, Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
});
