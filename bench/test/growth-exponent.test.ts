import { expect, test } from "vitest";
import { growthExponent } from "../src/growth-exponent.ts";

const over = (figure: (x: number) => number) =>
  growthExponent([1, 10, 100, 1_000].map((x) => [x, figure(x)]));

test.each([
  ["constant", 0, () => 7],
  ["linear", 1, (x: number) => 3 * x],
  ["quadratic", 2, (x: number) => x ** 2 / 5],
])("what is %s has the exponent %d", (_, exponent, figure) => {
  expect(over(figure)).toBeCloseTo(exponent);
});

test("what costs something at any size grows less than linearly", () => {
  expect(over((x) => x + 100)).toBeLessThan(1);
});
