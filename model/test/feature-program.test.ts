import { describe, expect, test } from "vitest";
import { derivedFeatures as makeFeatures, treeFeatures } from "../src/derived-features.ts";
import type { TreeNode } from "../src/ensemble.ts";
import { type FeatureProgram, runFeatureProgram } from "../src/feature-program.ts";
import { neighbourhoodNames } from "../src/neighbourhoods.ts";

function run(program: Omit<FeatureProgram, "input">, ...columns: readonly (readonly number[])[]) {
  const input = columns.map((column) => Float32Array.from(column));
  return runFeatureProgram({ input: "x", ...program }, input).map((column) => [...column]);
}

describe("an invalid feature program", () => {
  test("a feature program is rejected if it uses a value before it is computed", () => {
    const operations = [{ op: "Concat", output: "y", inputs: ["x", "z"] }] as const;
    expect(() => run({ constants: {}, operations }, [1])).toThrow(
      "feature program uses z before it is computed",
    );
  });

  test("a feature program is rejected if it gathers a column that does not exist", () => {
    const operations = [{ op: "Gather", output: "y", input: "x", columns: [1] }] as const;
    expect(() => run({ constants: {}, operations }, [1])).toThrow(
      "feature program uses column 1 of 1",
    );
  });
});

describe("a feature program", () => {
  test.each([
    ["Add", 9],
    ["Mul", 14],
    ["Div", 3.5],
  ] as const)("a feature program computes %s element by element", (op, expected) => {
    const operations = [{ op, output: "y", left: "x", right: "two" }] as const;
    expect(run({ constants: { two: [2] }, operations }, [7, 7])).toEqual([[expected, expected]]);
  });

  test("a single column is combined with each value of a constant row", () => {
    const operations = [{ op: "Mul", output: "y", left: "x", right: "factors" }] as const;
    expect(run({ constants: { factors: [1, 10] }, operations }, [2, 3])).toEqual([
      [2, 3],
      [20, 30],
    ]);
  });

  test("the result of every step is rounded to float32", () => {
    const operations = [{ op: "Add", output: "y", left: "x", right: "tiny" }] as const;
    expect(run({ constants: { tiny: [1e-9] }, operations }, [1])).toEqual([[1]]);
  });

  test("overflow and division by zero give the same results as in float32", () => {
    const operations = [
      { op: "Mul", output: "square", left: "x", right: "x" },
      { op: "Div", output: "y", left: "square", right: "zero" },
    ] as const;
    expect(run({ constants: { zero: [0] }, operations }, [1e30, 0])).toEqual([
      [Number.POSITIVE_INFINITY, Number.NaN],
    ]);
  });
});

const stump: TreeNode = {
  kind: "branch",
  feature: 1,
  threshold: 5,
  gain: 0,
  left: { kind: "leaf", value: 0 },
  right: { kind: "leaf", value: 1 },
};

test("a lookup returns the values of the cell that the tree finds", () => {
  const table = { tree: stump, values: [Float32Array.of(10, 20), Float32Array.of(0.1, 0.2)] };
  const operations = [{ op: "Lookup", output: "y", input: "x", table }] as const;
  expect(run({ constants: {}, operations }, [0, 0, 0], [5, 6, Number.NaN])).toEqual([
    [10, 20, 20],
    [Math.fround(0.1), Math.fround(0.2), Math.fround(0.2)],
  ]);
});

describe("the derived features", () => {
  const derivedFeatures = makeFeatures({
    tree: { kind: "leaf", value: 0 },
    values: neighbourhoodNames.map((_, index) => Float32Array.of(index)),
  });
  const house = [8, 30, 6, 1.5, 900, 3, 34.05, -118.24].map((value) => Float32Array.of(value));
  const values = runFeatureProgram(derivedFeatures, house).map((column) => column[0] ?? Number.NaN);
  const derived = (name: string) => values[treeFeatures.findIndex((f) => f.name === name)];

  test("each tree feature has a name, and the house features come first", () => {
    expect(values).toHaveLength(treeFeatures.length);
    expect(values.slice(0, 8)).toEqual(house.map((column) => column[0]));
  });

  test("derived features have the values that their names describe", () => {
    expect(derived("BedroomsPerRoom")).toBe(0.25);
    expect(derived("IncomePerOccupant")).toBe(Math.fround(8 / 3));
    expect(derived("Distance60")).toBe(11);
    expect(derived("Axis45")).toBeCloseTo((34.05 - 118.24) * Math.SQRT1_2, 4);
    expect(derived("Axis135")).toBeCloseTo((34.05 + 118.24) * Math.SQRT1_2, 4);
  });

  test("axes rotate coordinates by the sine and cosine of the angle in their names", () => {
    const unit = (latitude: number, longitude: number) =>
      runFeatureProgram(
        derivedFeatures,
        [0, 0, 1, 0, 0, 0, latitude, longitude].map((value) => Float32Array.of(value)),
      ).map((column) => column[0] ?? Number.NaN);
    const sines = unit(1, 0);
    const cosines = unit(0, 1);
    for (const [column, { name, group }] of treeFeatures.entries()) {
      if (group === "axis") {
        const radians = (Number(name.slice("Axis".length)) * Math.PI) / 180;
        expect(sines[column]).toBe(Math.fround(Math.sin(radians)));
        expect(cosines[column]).toBe(Math.fround(Math.cos(radians)));
      }
    }
  });
});
