import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Bodies, bulkBodies, knownBodies, repeated, singleBodies } from "../src/houses.ts";

const House = z.record(z.string(), z.number());
const List = z.object({ houses: z.array(House) });

const taken = (bodies: Bodies, count: number) => Array.from({ length: count }, () => bodies.next());

describe("bodies", () => {
  test("take their templates in turns, and count when they come round", () => {
    expect(taken(new Bodies(["a#", "b#"]), 5)).toEqual([
      "a1000",
      "b1000",
      "a1001",
      "b1001",
      "a1002",
    ]);
  });

  test("skip those that another client made", () => {
    const bodies = new Bodies(["a#", "b#"]);
    bodies.skip(3);

    expect(bodies.next()).toBe("b1001");
  });

  test("refuse to begin again", () => {
    const bodies = new Bodies(["a#"]);
    bodies.skip(9_000);

    expect(() => bodies.next()).toThrow("void");
  });

  test("without a count repeat themselves without end", () => {
    expect(new Set(taken(repeated("a"), 20_000))).toEqual(new Set(["a"]));
  });
});

test.each([
  [1, 400],
  [100, 400],
  [1_000, 64],
  [10_000, 8],
])("known lists of %d houses are %d, and come round", (houses, count) => {
  const known = knownBodies(houses, bulkBodies(houses));
  const round = taken(known, count);

  expect(new Set(round).size).toBe(count);
  expect(taken(known, count)).toEqual(round);
});

test("single houses differ, and in every feature", () => {
  const bodies = taken(singleBodies(), 10_000);

  expect(new Set(bodies).size).toBe(10_000);
  const houses = bodies.map((body) => House.parse(JSON.parse(body)));
  for (const feature of Object.keys(houses[0] ?? {})) {
    expect(new Set(houses.map((house) => house[feature])).size).toBeGreaterThan(1);
  }
});

test.each([10, 1_000, 10_000])("lists of %d houses differ", (length) => {
  const bodies = taken(bulkBodies(length), 20);

  expect(new Set(bodies).size).toBe(20);
  for (const body of bodies) expect(List.parse(JSON.parse(body)).houses).toHaveLength(length);
});
