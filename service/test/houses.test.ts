import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bulkOf, featureNames, House, exampleHouse as house } from "../src/houses/house.ts";
import { toMatrix } from "../src/houses/matrix.ts";
import { parseNumberText } from "../src/houses/number-text.ts";
import { readHouse, readHouses } from "../src/houses/read.ts";

const row = Float32Array.from(Object.values(house));

test("the features stand in the model's order", () => {
  expect(featureNames).toEqual(Object.keys(house));
});

describe("a number in a string", () => {
  test("is read as the peer reads it; the corpus has the odd ones", () => {
    expect(parseNumberText("\u0085 -1.5e3\u3000")).toBe(-1500);
    expect(parseNumberText("1_000")).toBe(1000);
    expect(parseNumberText(" 1_000")).toBeUndefined();
    expect(parseNumberText("0x10")).toBeUndefined();
  });

  test.each(["1".repeat(1_000_000), `1${" ".repeat(1_000_000)}`, "_1".repeat(500_000)])(
    "that is none is refused in one pass, however long",
    (text) => {
      expect(parseNumberText(`${text}x`)).toBeUndefined();
    },
  );

  test("keeps its value, whatever the notation", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const notations = [String(value), value.toExponential(), ` ${value} `];
        for (const text of notations) expect(parseNumberText(text)).toBe(value + 0);
      }),
    );
  });
});

describe("the compiled path", () => {
  const number = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(0, 1e39, 5e-324, Number.MAX_VALUE, -1),
  );
  const value = fc.oneof(
    { weight: 20, arbitrary: number },
    fc.constantFrom("3", "x", true, null, "inf"),
    fc.anything(),
  );
  const fields = Object.fromEntries(featureNames.map((name) => [name, value]));
  const houseLike = fc.oneof(
    { weight: 8, arbitrary: fc.record(fields) },
    fc.record(fields, { requiredKeys: featureNames.slice(1) }),
    fc.tuple(fc.record(fields), fc.string(), value).map(([all, key, extra]) => {
      return { ...all, [key]: extra };
    }),
    fc.anything(),
  );
  const housesLike = fc
    .array(houseLike, { maxLength: 3 })
    .map((houses): unknown[] => JSON.parse(JSON.stringify(houses, (_, item) => item ?? null)));

  test("agrees with zod: it takes just what zod takes without coercing, as the same numbers", () => {
    fc.assert(
      fc.property(housesLike, (houses) => {
        const judged = bulkOf(House, 10).safeParse({ houses }).data?.houses;
        const matrix = toMatrix(houses);
        const isPlain = houses.every(
          (each) => each && Object.values(each).every((item) => typeof item === "number"),
        );
        expect(matrix !== undefined).toBe(judged !== undefined && isPlain);
        const rows = judged?.flatMap((each) => featureNames.map((name) => each[name])) ?? [];
        if (matrix) expect(matrix).toEqual(Float32Array.from(rows));
      }),
      { numRuns: 3000 },
    );
  });

  test("and so do whole bodies, coerced or not", () => {
    fc.assert(
      fc.property(housesLike, (houses) => {
        const judged = bulkOf(House, 10).safeParse({ houses }).data?.houses;
        const read = () => readHouses(JSON.stringify({ houses }), 10);
        const rows = judged?.flatMap((each) => featureNames.map((name) => each[name]));
        if (rows) expect(read()).toEqual(Float32Array.from(rows));
        else expect(read).toThrow("refused with 422");
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a body becomes a matrix", () => {
  test("of one row a house, in the order sent", () => {
    const body = { houses: [house, { ...house, MedInc: 2 }] };
    expect(readHouses(JSON.stringify(body), 10)).toEqual(
      Float32Array.from([...row, 2, ...row.slice(1)]),
    );
  });

  test("of no rows for no houses", () => {
    expect(readHouses('{"houses":[]}', 10)).toEqual(new Float32Array());
  });

  test("whatever the order of its keys", () => {
    const reversed = Object.fromEntries(Object.entries(house).reverse());
    expect(readHouse(JSON.stringify(reversed))).toEqual(row);
  });

  test("with strings, booleans and duplicate keys taken as the numbers they stand for", () => {
    const text = JSON.stringify({ ...house, HouseAge: "4_1", AveRooms: true });
    const expected = row.with(1, 41).with(2, 1);
    expect(readHouse(text)).toEqual(expected);
    expect(readHouse(text.replace("{", '{"MedInc":-1,'))).toEqual(expected);
  });
});
