import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { TimeLimit, TimeLimitError } from "../src/time-limit.ts";

test("a promise that does not settle in time is waited for no longer", async () => {
  const limit = new TimeLimit(20);
  const start = performance.now();
  await expect(limit.within(new Promise(() => {}))).rejects.toThrow(TimeLimitError);
  expect(performance.now() - start).toBeGreaterThanOrEqual(20);
});

test("each has its own time, from when its wait began", async () => {
  const limit = new TimeLimit(100);
  const early = limit.within(delay(1_000)).catch((error: unknown) => error);
  await delay(60);
  const start = performance.now();
  const late = limit.within(delay(1_000)).catch((error: unknown) => error);
  expect(await early).toBeInstanceOf(TimeLimitError);
  expect(performance.now() - start).toBeLessThan(95);
  expect(await late).toBeInstanceOf(TimeLimitError);
  expect(performance.now() - start).toBeGreaterThanOrEqual(100);
});

test("what settles in time is passed on, value or error", async () => {
  const limit = new TimeLimit(1_000);
  expect(await limit.within(Promise.resolve(1))).toBe(1);
  await expect(limit.within(Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
});
