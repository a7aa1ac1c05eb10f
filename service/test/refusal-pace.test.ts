import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { RefusalPace } from "../src/routes/refusal-pace.ts";

/** Holds back a number of responses, and returns how many are sent in each of the next turns. */
async function sentPerTurn(count: number, turns: number): Promise<number[]> {
  const pace = new RefusalPace();
  let sent = 0;
  for (let i = 0; i < count; i++) pace.turn().then(() => sent++);
  await Promise.resolve();
  expect(sent).toBe(0);
  const found: number[] = [];
  for (let i = 0; i < turns; i++) {
    const before = sent;
    await turn();
    found.push(sent - before);
  }
  return found;
}

test("a few refused requests are answered at the end of the turn", async () => {
  expect(await sentPerTurn(2, 2)).toEqual([2, 0]);
});

test("if many requests are refused, each turn answers two", async () => {
  expect(await sentPerTurn(5, 4)).toEqual([2, 2, 1, 0]);
});

test("if very many requests are refused, each turn answers a 64th", async () => {
  expect(await sentPerTurn(6_400, 3)).toEqual([100, 99, 97]);
});

test("refused requests are answered in their order", async () => {
  const pace = new RefusalPace();
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((index) => pace.turn().then(() => order.push(index))));
  expect(order).toEqual([1, 2, 3]);
});
