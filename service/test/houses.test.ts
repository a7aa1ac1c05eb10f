import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bulkOf, featureNames, House, exampleHouse as house } from "../src/houses/house.ts";
import { toMatrix } from "../src/houses/matrix.ts";
import { parseNumberText } from "../src/houses/number-text.ts";
import { readHouse, readHouses } from "../src/houses/read.ts";
import { scanHouse, scanHouses } from "../src/houses/scan.ts";

const bytesOf = (body: unknown) => Buffer.from(JSON.stringify(body));
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

/** Zeros come without a sign. */
const matrixOf = (rows: readonly number[]) =>
  Float32Array.from(rows, (value) => Math.fround(value) + 0);

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
        if (matrix) expect(matrix).toEqual(matrixOf(rows));
      }),
      { numRuns: 3000 },
    );
  });

  test("and so do whole bodies, coerced or not", () => {
    fc.assert(
      fc.property(housesLike, (houses) => {
        const judged = bulkOf(House, 10).safeParse({ houses }).data?.houses;
        const read = () => readHouses(bytesOf({ houses }), 10);
        const rows = judged?.flatMap((each) => featureNames.map((name) => each[name]));
        if (rows) expect(read()).toEqual(matrixOf(rows));
        else expect(read).toThrow("refused with 422");
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the path from bytes to numbers", () => {
  const digits = (maxLength: number) =>
    fc.array(fc.nat(9), { minLength: 1, maxLength }).map((each) => each.join(""));
  const exponent = fc
    .tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), digits(2))
    .map((parts) => parts.join(""));
  const numberText = fc.oneof(
    { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
    fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toPrecision(20)),
    fc
      .tuple(fc.constantFrom("", "-"), digits(20), fc.option(digits(25)), fc.option(exponent))
      .map(
        ([sign, whole, part, power]) => `${sign}${whole}${part ? `.${part}` : ""}${power ?? ""}`,
      ),
  );
  const space = fc.constantFrom("", "", "", " ", "\n\t\r ");
  const houseText = fc
    .tuple(...featureNames.map(() => fc.tuple(space, space, numberText, space)))
    .map((fields) =>
      fields.map(([a, b, number, c], i) => `${a}"${featureNames[i]}"${b}:${number}${c}`).join(),
    );
  const damage = fc.option(
    fc.tuple(fc.nat(), fc.constantFrom("", "}", "]", ",", '"', "0", "\u0000", "é", "{}", " ")),
    { freq: 2 },
  );

  function damaged(text: string, blow: [number, string] | null): string {
    if (blow === null) return text;
    const at = blow[0] % (text.length + 1);
    return text.slice(0, at) + blow[1] + text.slice(at + (blow[0] % 3));
  }

  function parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  /** What the way over `JSON.parse` makes of it. */
  function listFrom(value: unknown): readonly unknown[] {
    if (typeof value !== "object" || value === null || !("houses" in value)) return [undefined];
    return Array.isArray(value.houses) ? value.houses : [undefined];
  }

  test("leads to what JSON.parse leads to, or nowhere", () => {
    let scannedBodies = 0;
    fc.assert(
      fc.property(fc.array(houseText, { maxLength: 3 }), damage, space, (texts, blow, end) => {
        const list = texts.map((text) => `{${text}}`).join();
        const body = damaged(`{"houses":[${list}]}${end}`, blow);
        const scanned = scanHouses(Buffer.from(body), 2);
        if (scanned) expect(scanned).toEqual(toMatrix(listFrom(parsed(body))));
        if (scanned) scannedBodies++;
        const single = damaged(`{${texts[0]}}${end}`, blow);
        const one = scanHouse(Buffer.from(single));
        if (one) expect(one).toEqual(toMatrix([parsed(single)]));
      }),
      { numRuns: 10_000 },
    );
    expect(scannedBodies).toBeGreaterThan(300);
  });

  test.each(["8.3252", "41", "0.5", "6.984126984126984", "1.0238095238095237", "1e1", "1.5E-3"])(
    "takes %s, between spaces or none",
    (number) => {
      const text = JSON.stringify({ houses: [house, house] }).replace("8.3252", number);
      const expected = Float32Array.from([Number(number), ...row.slice(1), ...row]);
      expect(scanHouses(Buffer.from(text), 2)).toEqual(expected);
      expect(scanHouses(Buffer.from(text.replaceAll(/([:,])/g, "$1 ")), 2)).toEqual(expected);
    },
  );

  test("is taken however many houses there are, up to the most", () => {
    const body = bytesOf({ houses: Array.from({ length: 1000 }, () => house) });
    expect(scanHouses(body, 1000)).toHaveLength(8000);
    expect(scanHouses(body, 999)).toBeUndefined();
  });

  test.each(['{"houses":[', '{"houses":[{"MedInc":1', '{"houses":[}', "}", "", " \n"])(
    "declines %j",
    (text) => {
      expect(scanHouses(Buffer.from(text), 10)).toBeUndefined();
      expect(scanHouse(Buffer.from(text))).toBeUndefined();
    },
  );
});

describe("a body becomes a matrix", () => {
  test("of one row a house, in the order sent", () => {
    const body = { houses: [house, { ...house, MedInc: 2 }] };
    expect(readHouses(bytesOf(body), 10)).toEqual(Float32Array.from([...row, 2, ...row.slice(1)]));
  });

  test("of no rows for no houses", () => {
    expect(readHouses(bytesOf({ houses: [] }), 10)).toEqual(new Float32Array());
  });

  test("whatever the order of its keys", () => {
    const reversed = Object.fromEntries(Object.entries(house).reverse());
    expect(readHouse(bytesOf(reversed))).toEqual(row);
  });

  test("with strings, booleans and duplicate keys taken as the numbers they stand for", () => {
    const text = JSON.stringify({ ...house, HouseAge: "4_1", AveRooms: true });
    const expected = row.with(1, 41).with(2, 1);
    expect(readHouse(Buffer.from(text))).toEqual(expected);
    expect(readHouse(Buffer.from(text.replace("{", '{"MedInc":-1,')))).toEqual(expected);
  });
});
