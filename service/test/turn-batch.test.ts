import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { requestsPerBatch } from "../src/requests-per-batch.ts";
import { TurnBatch } from "../src/routes/turn-batch.ts";

test("the only response of a turn is sent immediately", async () => {
  const batch = new TurnBatch();
  for (let i = 0; i < 3; i++) {
    expect(batch.join()).toBeUndefined();
    await turn();
  }
});

test("the other responses of a turn are sent at its end, in order", async () => {
  const batch = new TurnBatch();
  const sent: number[] = [];
  expect(batch.join()).toBeUndefined();
  for (const index of [1, 2]) batch.join()?.then(() => sent.push(index));
  await Promise.resolve();
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([1, 2]);
});

test("after a turn with several responses, the first one of the next turn waits too, unless a turn had none", async () => {
  const batch = new TurnBatch();
  batch.join();
  batch.join();
  await turn();
  const first = batch.join();
  expect(first).toBeInstanceOf(Promise);
  await first;
  await turn();
  expect(batch.join()).toBeUndefined();
});

test("many responses of a turn are sent in batches before its end", async () => {
  const batch = new TurnBatch();
  const sent: number[] = [];
  batch.join();
  for (let index = 1; index <= requestsPerBatch + 1; index++) {
    batch.join()?.then(() => sent.push(index));
  }
  await Promise.resolve();
  expect(sent).toHaveLength(requestsPerBatch);
  await turn();
  expect(sent).toHaveLength(requestsPerBatch + 1);
});
