import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Together } from "../src/routes/together.ts";

test("a lone answer is sent at once, turn after turn", async () => {
  const together = new Together();
  for (let i = 0; i < 3; i++) {
    expect(together.moment()).toBeUndefined();
    await turn();
  }
});

test("the others of a turn are sent at its end, in order", async () => {
  const together = new Together();
  const sent: number[] = [];
  expect(together.moment()).toBeUndefined();
  for (const index of [1, 2]) together.moment()?.then(() => sent.push(index));
  await Promise.resolve();
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([1, 2]);
});

test("after a turn with several, the first waits for others too, until a turn has none", async () => {
  const together = new Together();
  together.moment();
  together.moment();
  await turn();
  const first = together.moment();
  expect(first).toBeInstanceOf(Promise);
  await first;
  await turn();
  expect(together.moment()).toBeUndefined();
});
