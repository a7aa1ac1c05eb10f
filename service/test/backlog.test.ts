import { expect, test } from "vitest";
import { alwaysAccepted, Backlog } from "../src/routes/backlog.ts";

const maxWaitMs = 100;
const shortBody = 130;
const longBody = 1_000_000;

/** A backlog with a clock, and a processor that finishes predictions one by one. */
function backlogUnderTest() {
  let nowMs = 0;
  const backlog = new Backlog(maxWaitMs, () => nowMs);
  const enter = (count: number, bodyBytes: number) => {
    for (let i = 0; i < count; i++) backlog.enter(bodyBytes);
  };
  const finish = (count: number, bodyBytes: number, eachMs: number, isFinished = true) => {
    for (let i = 0; i < count; i++) {
      nowMs += eachMs;
      backlog.leave(bodyBytes, isFinished);
    }
  };
  return {
    backlog,
    enter,
    finish,
    wait(ms: number) {
      nowMs += ms;
    },
    /** Measures that a prediction with a body of this length takes `eachMs`. */
    measure(bodyBytes: number, eachMs: number) {
      const count = Math.max(64, Math.ceil(2_000 / eachMs));
      enter(count, bodyBytes);
      finish(count, bodyBytes, eachMs);
    },
  };
}

test("a prediction is refused if those ahead of it need longer than the limit", () => {
  const { backlog, enter, measure } = backlogUnderTest();
  measure(longBody, 1);
  enter(99, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
  enter(2, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
});

test("a refused prediction is accepted again when enough of those ahead of it have finished", () => {
  const { backlog, enter, finish, measure } = backlogUnderTest();
  measure(longBody, 1);
  enter(110, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
  finish(11, longBody, 1);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
});

test("no prediction is refused before the rate has been measured", () => {
  const { backlog, enter, finish } = backlogUnderTest();
  enter(1_000, longBody);
  finish(2, longBody, 100);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
  finish(1, longBody, 100);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
});

test(`${alwaysAccepted} predictions are accepted, however slow the model is`, () => {
  const { backlog, enter, measure } = backlogUnderTest();
  measure(longBody, 1_000);
  enter(alwaysAccepted - 1, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
  enter(1, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
});

test("a prediction with a short body is accepted behind long ones", () => {
  const { backlog, enter, measure } = backlogUnderTest();
  measure(longBody, 1);
  enter(110, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
  expect(backlog.isTooLongFor(shortBody)).toBe(false);
});

test("a prediction with a short body is refused behind many short ones", () => {
  const { backlog, enter, measure } = backlogUnderTest();
  measure(shortBody, 0.1);
  enter(990, shortBody);
  expect(backlog.isTooLongFor(shortBody)).toBe(false);
  enter(20, shortBody);
  expect(backlog.isTooLongFor(shortBody)).toBe(true);
});

test("neither short queues nor idle time lower the rate", () => {
  const { backlog, enter, finish, measure, wait } = backlogUnderTest();
  measure(longBody, 1);
  for (let i = 0; i < 200; i++) {
    wait(60_000);
    enter(31, longBody);
    finish(31, longBody, 50);
  }
  enter(99, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
});

test("of many predictions that finish at the same time, nearly all count", () => {
  const { backlog, enter, finish } = backlogUnderTest();
  for (let i = 0; i < 20; i++) {
    enter(100, longBody);
    finish(1, longBody, 100);
    finish(99, longBody, 0);
  }
  enter(90, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
  enter(20, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
});

test("cancelled predictions do not raise the rate", () => {
  const { backlog, enter, finish, measure } = backlogUnderTest();
  measure(longBody, 1);
  enter(100_000, longBody);
  finish(100_000, longBody, 0.01, false);
  enter(80, longBody);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
});

test("after a stall, the rate is correct again within half a second of work", () => {
  const { backlog, enter, finish, measure, wait } = backlogUnderTest();
  measure(longBody, 1);
  enter(600, longBody);
  wait(10_000);
  finish(1, longBody, 1);
  expect(backlog.isTooLongFor(longBody)).toBe(true);
  finish(519, longBody, 1);
  expect(backlog.isTooLongFor(longBody)).toBe(false);
});
