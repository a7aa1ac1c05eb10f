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
  expect(await sentPerTurn(8, 2)).toEqual([8, 0]);
});

test("if many requests are refused, each turn answers eight", async () => {
  expect(await sentPerTurn(20, 4)).toEqual([8, 8, 4, 0]);
});

test("if very many requests are refused, each turn answers a sixteenth", async () => {
  expect(await sentPerTurn(1_600, 3)).toEqual([100, 94, 88]);
});

test("refused requests are answered in their order", async () => {
  const pace = new RefusalPace();
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((index) => pace.turn().then(() => order.push(index))));
  expect(order).toEqual([1, 2, 3]);
});
