import { expect, test } from "vitest";
import { attackWith, hostileBodies } from "../src/hostile-bodies.ts";

const mebibyte = 1024 * 1024;

test("hostile bodies have different names", () => {
  expect(new Set(hostileBodies.map(({ name }) => name)).size).toBe(hostileBodies.length);
});

test.each(hostileBodies)("the hostile body $name is long, and valid if it claims to be", (body) => {
  const bytes = body.make();

  expect(bytes.length).toBeLessThanOrEqual(32 * mebibyte);
  expect(bytes.length).toBeGreaterThan(13 * mebibyte);
  if (body.isValid) expect(JSON.parse(bytes.toString()).houses).toHaveLength(100_000);
});

test("requests with a hostile list differ, so they are misses", async () => {
  const next = attackWith("valid list");

  const [, first] = await Array.fromAsync(next().parts, String);
  const [, second] = await Array.fromAsync(next().parts, String);
  expect(first).toHaveLength(second?.length ?? 0);
  expect(first).not.toBe(second);
});
