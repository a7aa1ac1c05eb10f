import { expect, test } from "vitest";
import { ByteBudget } from "../src/routes/byte-budget.ts";
import { maxSmallBytes } from "../src/wire/sent-body.ts";

const mebibyte = 1024 * 1024;

test("bytes can be taken up to the budget, and again after they are given back", () => {
  const budget = new ByteBudget(1000);
  const first = budget.lease();
  const second = budget.lease();
  expect(first.tryGrow(600)).toBe(true);
  expect(second.tryGrow(401)).toBe(false);
  expect(second.tryGrow(400)).toBe(true);
  first.release();
  expect(budget.usedBytes).toBe(400);
  expect(second.tryGrow(600)).toBe(true);
});

test("a lease that is released twice gives its bytes back once", () => {
  const budget = new ByteBudget(1000);
  const lease = budget.lease();
  lease.tryGrow(10);
  lease.release();
  lease.release();
  expect(budget.usedBytes).toBe(0);
});

test("large bodies leave a quarter of the budget to small ones", () => {
  const budget = new ByteBudget(4 * mebibyte);
  const large = budget.lease();
  expect(large.tryGrow(3 * mebibyte)).toBe(true);
  expect(large.tryGrow(1)).toBe(false);
  expect(budget.lease().tryGrow(maxSmallBytes + 1)).toBe(false);
  expect(budget.lease().tryGrow(maxSmallBytes)).toBe(true);
});
