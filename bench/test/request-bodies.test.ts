import { describe, expect, test } from "vitest";
import { z } from "zod";
import { newBodies } from "../src/request-bodies.ts";

const House = z.record(z.string(), z.number());
const List = z.object({ houses: z.array(House) });

const take = (next: () => string, count: number) => Array.from({ length: count }, next);

describe("new bodies", () => {
  test("of /predict differ, and in every feature", () => {
    const bodies = take(newBodies("/predict", 1, 1), 10_000);

    expect(new Set(bodies).size).toBe(10_000);
    const houses = bodies.map((body) => House.parse(JSON.parse(body)));
    for (const feature of Object.keys(houses[0] ?? {})) {
      expect(new Set(houses.map((house) => house[feature])).size).toBeGreaterThan(50);
    }
  });

  test.each([1, 10, 1_000, 10_000])("of /bulk_predict with %d houses differ", (length) => {
    const bodies = take(newBodies("/bulk_predict", length, 1), 20);

    expect(new Set(bodies).size).toBe(20);
    for (const body of bodies) expect(List.parse(JSON.parse(body)).houses).toHaveLength(length);
  });

  test("are the same for the same seed, and others for another", () => {
    const first = take(newBodies("/predict", 1, 1), 5);

    expect(take(newBodies("/predict", 1, 1), 5)).toEqual(first);
    expect(new Set([...first, ...take(newBodies("/predict", 1, 2), 5)]).size).toBe(10);
  });

  test("do not repeat", () => {
    const next = newBodies("/bulk_predict", 4_096, 1);
    take(next, 9_000);

    expect(next).toThrow("void: the bodies would repeat");
  });
});
