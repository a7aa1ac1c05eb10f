import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { treeValue } from "../src/ensemble.ts";
import { fitNeighbourhoods, neighbourhoodNames } from "../src/neighbourhoods.ts";

const features = { latitude: 0, longitude: 1, income: 2 };

interface Row {
  readonly latitude: number;
  readonly longitude: number;
  readonly income: number;
  readonly target: number;
}

function fit(rows: readonly Row[]) {
  const column = (name: keyof Row) => Float32Array.from(rows, (row) => row[name]);
  const columns = [column("latitude"), column("longitude"), column("income")];
  const targets = Float64Array.from(rows, ({ target }) => target);
  return { ...fitNeighbourhoods({ columns, targets }, features), columns };
}

const nameIndex = (name: string) => neighbourhoodNames.indexOf(name);

const anyRow = fc.record({
  latitude: fc.integer({ min: 3250, max: 4200 }).map((hundredths) => hundredths / 100),
  longitude: fc.integer({ min: -12440, max: -11430 }).map((hundredths) => hundredths / 100),
  income: fc.integer({ min: 1, max: 15 }),
  target: fc.integer({ min: 0, max: 5 }),
});
const anyRows = fc.array(anyRow, { minLength: 65, maxLength: 120 });

describe("neighbourhoods", () => {
  test("the neighbourhood of a training row does not depend on the row's own target", () => {
    fc.assert(
      fc.property(anyRows, fc.nat(), fc.integer({ min: 6, max: 1000 }), (rows, at, target) => {
        const changed = at % rows.length;
        const others = rows.map((row, index) => (index === changed ? { ...row, target } : row));
        const [before, after] = [fit(rows), fit(others)];
        for (const [index, column] of before.ofRows.entries()) {
          expect(after.ofRows[index]?.[changed]).toBe(column[changed]);
        }
        expect(after.ofRows).not.toEqual(before.ofRows);
      }),
      { numRuns: 50 },
    );
  });

  test("every location gets finite values, and rows of one cell share them", () => {
    fc.assert(
      fc.property(anyRows, anyRow, (rows, { latitude, longitude }) => {
        const { table } = fit(rows);
        const house = [latitude, longitude, 0].map((value) => Float32Array.of(value));
        const cell = treeValue(table.tree, house, 0);
        expect(table.values.map((column) => column[cell])).toSatisfy((values: unknown[]) =>
          values.every(Number.isFinite),
        );
      }),
    );
  });

  test("values, premiums and distances describe the nearest rows", () => {
    // 65 rows at the same place, and three far away that are cheap.
    const near = { latitude: 34, longitude: -118, income: 5, target: 4 };
    const far = { latitude: 38, longitude: -118, income: 2, target: 1 };
    const rows = [...Array<Row>(65).fill(near), far, far, far];
    const { ofRows, table, columns } = fit(rows);
    const ofRow = (name: string, row: number) => ofRows[nameIndex(name)]?.[row];
    expect(ofRow("Value3", 0)).toBe(4);
    expect(ofRow("Premium3", 0)).toBe(2);
    expect(ofRow("Distance60", 0)).toBe(0);
    // Without the row itself, two of the three nearest rows are far away.
    expect(ofRow("Value3", 67)).toBe(2);
    expect(ofRow("Distance3", 67)).toBe(4);
    const cell = treeValue(table.tree, columns, 67);
    expect(table.values[nameIndex("Value3")]?.[cell]).toBe(1);
    expect(table.values[nameIndex("Distance8")]?.[cell]).toBe(4);
  });
});
