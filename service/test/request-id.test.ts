import { expect, test } from "vitest";
import { requestIdOf, uuidSource } from "../src/telemetry/request-id.ts";

const uuid = /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

test("generated ids are UUIDs of version 8, and never the same", () => {
  const ids = Array.from({ length: 1_000 }, () => requestIdOf(undefined));
  for (const id of ids) expect(id).toMatch(uuid);
  expect(new Set(ids).size).toBe(ids.length);
});

test("when all numbers of a prefix are used, another prefix follows", () => {
  const next = uuidSource(2);
  const ids = Array.from({ length: 5 }, () => next());
  for (const id of ids) expect(id).toMatch(uuid);
  const prefixes = ids.map((id) => id.slice(0, 27));
  expect(prefixes[1]).toBe(prefixes[0]);
  expect(new Set(prefixes).size).toBe(3);
  expect(new Set(ids).size).toBe(5);
});

test("two sources have different ids", () => {
  expect(uuidSource()()).not.toBe(uuidSource()());
});
