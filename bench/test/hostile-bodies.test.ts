import { expect, test } from "vitest";
import { hostileBodies } from "../src/hostile/bodies.ts";

const mebibyte = 1024 * 1024;
const bodies = hostileBodies({ fuzz: 20, seed: 1 });

test("hostile bodies have different names, and are the same for the same seed", () => {
  const names = bodies.map(({ name }) => name);
  const namesOf = (seed: number) => hostileBodies({ fuzz: 20, seed }).map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith("fuzz"))).toHaveLength(20);
  expect(namesOf(1)).toEqual(names);
  expect(namesOf(2)).not.toEqual(names);
});

test.each(bodies)(
  "the hostile body $name is as long as possible, and valid if it claims to be",
  (body) => {
    const { name, path, make, isValid } = body;
    const bytes = make();

    const isRecord = path === "/predict" && !name.startsWith("14 MB");
    expect(bytes.length).toBeLessThanOrEqual(isRecord ? mebibyte : 32 * mebibyte);
    expect(bytes.length).toBeGreaterThan(isRecord ? 0.99 * mebibyte : 13 * mebibyte);
    if (isValid) expect([0, 100_000]).toContain(JSON.parse(bytes.toString()).houses.length);
  },
);
