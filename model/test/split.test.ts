import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Mt19937 } from "../src/mt19937.ts";
import { permutation, sampleIndices } from "../src/sampling.ts";
import { trainTestSplit } from "../src/split.ts";
import { heldOutFile, testWithSampleData } from "./requires.ts";

describe("the Mersenne Twister", () => {
  test("the generator gives the first numbers of the reference implementation", () => {
    const generator = new Mt19937(5489);
    const numbers = Array.from({ length: 5 }, () => generator.nextUint32());
    expect(numbers).toEqual([3499211612, 581869302, 3890346734, 3586334585, 545404204]);
  });

  test("the 10,000th number is the one in the C++ standard", () => {
    const generator = new Mt19937(5489);
    const numbers = Array.from({ length: 10_000 }, () => generator.nextUint32());
    expect(numbers.at(-1)).toBe(4123659995);
  });

  test("drawing an integer up to 0 gives 0 and uses no random number", () => {
    const generator = new Mt19937(5489);
    expect(generator.nextInteger(0)).toBe(0);
    expect(generator.nextUint32()).toBe(3499211612);
  });

  test("every integer up to the maximum is drawn, and none above it", () => {
    const generator = new Mt19937(1);
    const drawn = new Set(Array.from({ length: 200 }, () => generator.nextInteger(5)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("sampling", () => {
  test("a permutation is the same as that of NumPy's RandomState(42)", () => {
    expect([...permutation(10, new Mt19937(42))]).toEqual([8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
  });

  test("sampled indices are distinct and in ascending order", () => {
    const indices = [...sampleIndices(100, 0.3, new Mt19937(3))];
    expect(indices).toHaveLength(30);
    expect(new Set(indices).size).toBe(30);
    expect(indices).toEqual(indices.toSorted((a, b) => a - b));
  });

  test("at least one index is sampled", () => {
    expect(sampleIndices(3, 0.01, new Mt19937(3))).toHaveLength(1);
  });
});

describe("the split", () => {
  test("the held-out part is rounded up, and each row is in exactly one part", () => {
    const { train, test: heldOut } = trainTestSplit(10, 0.33, 42);
    expect(heldOut).toHaveLength(4);
    expect([...heldOut, ...train].toSorted((a, b) => a - b)).toEqual([...Array(10).keys()]);
  });

  testWithSampleData("the held-out rows are those of scikit-learn, in the same order", () => {
    const expected = readFileSync(heldOutFile, "utf8").trim().split("\n").map(Number);
    expect([...trainTestSplit(20_640, 0.33, 42).test]).toEqual(expected);
  });
});
