import { describe, expect, test } from "vitest";
import { DERIVED_FEATURES, TREE_FEATURES } from "../src/derived-features.ts";
import { type FeatureProgram, runFeatureProgram } from "../src/feature-program.ts";

function run(program: Omit<FeatureProgram, "input">, ...columns: readonly (readonly number[])[]) {
  const input = columns.map((column) => Float32Array.from(column));
  return runFeatureProgram({ input: "x", ...program }, input).map((column) => [...column]);
}

describe("a feature program is refused", () => {
  test("when it uses a value before it is computed", () => {
    const operations = [{ op: "Concat", output: "y", inputs: ["x", "z"] }] as const;
    expect(() => run({ constants: {}, operations }, [1])).toThrow(
      "feature program uses z before it is computed",
    );
  });

  test("when it gathers a column that is not there", () => {
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
  ] as const)("computes %s element by element", (op, expected) => {
    const operations = [{ op, output: "y", left: "x", right: "two" }] as const;
    expect(run({ constants: { two: [2] }, operations }, [7, 7])).toEqual([[expected, expected]]);
  });

  test("meets a single column with each of a constant row", () => {
    const operations = [{ op: "Mul", output: "y", left: "x", right: "factors" }] as const;
    expect(run({ constants: { factors: [1, 10] }, operations }, [2, 3])).toEqual([
      [2, 3],
      [20, 30],
    ]);
  });

  test("rounds every step to float32", () => {
    const operations = [{ op: "Add", output: "y", left: "x", right: "tiny" }] as const;
    expect(run({ constants: { tiny: [1e-9] }, operations }, [1])).toEqual([[1]]);
  });

  test("overflows and divides by zero as float32 does", () => {
    const operations = [
      { op: "Mul", output: "square", left: "x", right: "x" },
      { op: "Div", output: "y", left: "square", right: "zero" },
    ] as const;
    expect(run({ constants: { zero: [0] }, operations }, [1e30, 0])).toEqual([
      [Number.POSITIVE_INFINITY, Number.NaN],
    ]);
  });
});

describe("the derived features", () => {
  const house = [8, 30, 6, 1.5, 900, 3, 34.05, -118.24].map((value) => Float32Array.of(value));
  const values = runFeatureProgram(DERIVED_FEATURES, house).map(
    (column) => column[0] ?? Number.NaN,
  );
  const derived = (name: string) => values[TREE_FEATURES.findIndex((f) => f.name === name)];

  test("are as many as are named, the house's own first", () => {
    expect(values).toHaveLength(TREE_FEATURES.length);
    expect(values.slice(0, 8)).toEqual(house.map((column) => column[0]));
  });

  test("are what their names say", () => {
    expect(derived("BedroomsPerRoom")).toBe(0.25);
    expect(derived("Axis45")).toBeCloseTo((34.05 - 118.24) * Math.SQRT1_2, 4);
    expect(derived("Axis135")).toBeCloseTo((34.05 + 118.24) * Math.SQRT1_2, 4);
  });

  test("rotate coordinates by sines and cosines of the named angles", () => {
    const unit = (latitude: number, longitude: number) =>
      runFeatureProgram(
        DERIVED_FEATURES,
        [0, 0, 1, 0, 0, 0, latitude, longitude].map((value) => Float32Array.of(value)),
      ).map((column) => column[0] ?? Number.NaN);
    const sines = unit(1, 0);
    const cosines = unit(0, 1);
    for (const [column, { name, group }] of TREE_FEATURES.entries()) {
      if (group === "axis") {
        const radians = (Number(name.slice("Axis".length)) * Math.PI) / 180;
        expect(sines[column]).toBe(Math.fround(Math.sin(radians)));
        expect(cosines[column]).toBe(Math.fround(Math.cos(radians)));
      }
    }
  });
});
