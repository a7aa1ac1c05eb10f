import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { createRecordReader } from "../src/records/reader.ts";
import { createScanner } from "../src/records/scan.ts";
import type { Feature, RecordSchema } from "../src/records/schema.ts";
import { parseIntegerText, parseNumberText } from "../src/records/text.ts";
import { createValidator } from "../src/records/validator.ts";
import { Refusal } from "../src/wire/refusal.ts";
import { anyRecord, schemas, usualRecord } from "./record-arbitraries.ts";

describe("a number in a string", () => {
  const parse = (text: string) => parseNumberText(Buffer.from(text));

  test("a number in a string is parsed like in pydantic", () => {
    expect(parse("\u0085 -1.5e3\u3000")).toBe(-1500);
    expect(parse("1_000")).toBe(1000);
    expect(parse(" 1_000")).toBeUndefined();
    expect(parse("0x10")).toBeUndefined();
    expect(parse("+Infinity")).toBe(Number.POSITIVE_INFINITY);
    expect(parse("-inf")).toBe(Number.NEGATIVE_INFINITY);
    expect(parse("NaN")).toBeNaN();
  });

  test.each(["1".repeat(1_000_000), `1${" ".repeat(1_000_000)}`, "_1".repeat(500_000)])(
    "a string that is not a number is rejected, however long it is: %.10s",
    (text) => {
      expect(parse(`${text}x`)).toBeUndefined();
    },
  );

  test("a number in a string keeps its value in any notation", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const notations = [String(value), value.toExponential(), ` ${value} `];
        for (const text of notations) expect(parse(text)).toBe(value + 0);
      }),
    );
  });
});

describe("an integer in a string", () => {
  test.each([
    ["+1", 1],
    ["-0_1", -1],
    ["0__0", 0],
    ["1_000.00", 1000],
    ["\u00851", 1],
    [`${"0".repeat(5000)}1`, 1],
    [`${"1_".repeat(3000)}1`, Number(`1${"1".repeat(3000)}`)],
    ["1.", "int_parsing"],
    ["1__0", "int_parsing"],
    ["+-1", "int_parsing"],
    ["1e3", "int_parsing"],
    ["１", "int_parsing"],
    ["1".repeat(4301), "int_parsing_size"],
    [`+${"1".repeat(4301)}`, "int_parsing"],
  ])("the integer in the string %.20s is %s", (text, expected) => {
    expect(parseIntegerText(Buffer.from(text))).toBe(expected);
  });
});

/** Returns the result of reading a body: the matrix, or the error response. */
function resultOf(read: () => Float32Array): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: Buffer.from(error.body).toString() };
  }
}

const damage = fc.option(
  fc.tuple(fc.nat(), fc.constantFrom("}", "]", ",", '"', "0", "\u0000", "é", "{}", " ", "\\")),
  { freq: 2 },
);

function damaged(text: string, blow: [number, string] | null): string {
  if (blow === null) return text;
  const at = blow[0] % (text.length + 1);
  return text.slice(0, at) + blow[1] + text.slice(at + (blow[0] % 3));
}

describe("the scanner", () => {
  test("for any schema, the scanner gives the same result as the validator, or declines", () => {
    let scanned = 0;
    fc.assert(
      fc.property(
        schemas.chain((schema) =>
          fc.tuple(fc.constant(schema), fc.array(anyRecord(schema), { maxLength: 3 }), damage),
        ),
        ([schema, records, blow]) => {
          const scanner = createScanner(schema);
          const validator = createValidator(schema);
          const { plural } = schema.record;
          const list = Buffer.from(
            damaged(`{${JSON.stringify(plural)}:[${records.join(",")}]}`, blow),
          );
          const many = scanner.many(list, 2);
          if (many) scanned++;
          if (many) expect(resultOf(() => validator.many(list, 2))).toEqual(many);
          const single = Buffer.from(damaged(records[0] ?? "{}", blow));
          const one = scanner.one(single);
          if (one) expect(resultOf(() => validator.one(single))).toEqual(one);
        },
      ),
      { numRuns: 3000 },
    );
    expect(scanned).toBeGreaterThan(100);
  });

  test("for any schema, the scanner reads every record in the usual form", () => {
    fc.assert(
      fc.property(
        schemas.chain((schema) => fc.tuple(fc.constant(schema), usualRecord(schema))),
        ([schema, { text, row }]) => {
          expect(createScanner(schema).one(Buffer.from(text))).toEqual(row);
        },
      ),
    );
  });
});

const number = (name: string, bounds: Partial<Feature> = {}): Feature => ({
  name,
  type: "number",
  ...bounds,
});

const schemaOf = (...features: Feature[]): RecordSchema => ({
  record: { singular: "item", plural: "items" },
  features,
});

describe("bounds apply to the double that was sent, not to its float32", () => {
  const inclusive = createRecordReader(schemaOf(number("a", { ge: 0.1, le: 120 })), 10);
  const exclusive = createRecordReader(schemaOf(number("a", { gt: 0.1, lt: 120 })), 10);
  const accepts = ({ one }: typeof inclusive, value: string) =>
    resultOf(() => one(Buffer.from(`{"a":${value}}`))) instanceof Float32Array;

  test.each([
    ["0.1", true, false],
    ["0.09999999999999999", false, false],
    ["0.10000000000000002", true, true],
    ["120", true, false],
    ["120.00000000000001", false, false],
    ["119.99999999999999", true, true],
    ['"120"', true, false],
  ])("%s satisfies an inclusive bound: %s, an exclusive bound: %s", (value, isIn, isStrictlyIn) => {
    expect(accepts(inclusive, value)).toBe(isIn);
    expect(accepts(exclusive, value)).toBe(isStrictlyIn);
  });
});

describe("the matrix of a body", () => {
  const reader = createRecordReader(schemaOf(number("a"), number("b")), 3);
  const bytes = (body: unknown) => Buffer.from(JSON.stringify(body));

  test("the matrix has one row per record, in the order sent", () => {
    const items = [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ];
    expect(reader.many(bytes({ items }))).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test("the matrix of an empty list has no rows", () => {
    expect(reader.many(bytes({ items: [] }))).toEqual(new Float32Array());
  });

  test("the matrix does not depend on the order and the escapes of keys", () => {
    expect(reader.one(Buffer.from('{"b":2,"\\u0061":1}'))).toEqual(Float32Array.of(1, 2));
  });

  test("strings and booleans become numbers, and the last of duplicate keys counts", () => {
    expect(reader.one(Buffer.from('{"a":-1,"b":true,"a":"4_1"}'))).toEqual(Float32Array.of(41, 1));
  });

  test("zeros in the matrix have no sign", () => {
    const matrix = reader.one(Buffer.from('{"a":-0.0,"b":"-0"}'));
    expect([...matrix].map((value) => Object.is(value, 0))).toEqual([true, true]);
  });

  test("a byte-order mark is skipped", () => {
    expect(reader.one(Buffer.from('\ufeff{"a":1,"b":2}'))).toEqual(Float32Array.of(1, 2));
  });
});

describe("Python's limits apply anywhere in a body", () => {
  const reader = createRecordReader(schemaOf(number("a")), 3);
  const unreadable = { status: 400, body: '{"detail":"There was an error parsing the body"}' };
  const digits = "1".repeat(4301);
  const deep = `${"[".repeat(2000)}${"]".repeat(2000)}`;

  test.each([digits, deep])(
    "Python's limits apply to a value that a duplicate key replaces: %.10s",
    (value) => {
      expect(resultOf(() => reader.one(Buffer.from(`{"a":${value},"a":1}`)))).toEqual(unreadable);
      const list = `{"items":${value},"items":[{"a":1}]}`;
      expect(resultOf(() => reader.many(Buffer.from(list)))).toEqual(unreadable);
    },
  );

  test.each([digits, deep])(
    "Python's limits apply to unknown fields, and after a thousand faults: %.10s",
    (value) => {
      const faults = "{},".repeat(2000);
      const list = `{"items":[${faults}{"b":${value}}]}`;
      expect(resultOf(() => reader.many(Buffer.from(list)))).toEqual(unreadable);
    },
  );

  test("invalid UTF-8 anywhere takes precedence over all other errors", () => {
    const body = Buffer.concat([Buffer.from('{"a":1,}'), Buffer.of(0xff)]);
    expect(resultOf(() => reader.one(body))).toEqual(unreadable);
  });
});

describe("an unknown key", () => {
  const reader = createRecordReader(schemaOf(number("a")), 3);
  const locOf = (body: string) =>
    JSON.parse(
      Buffer.from(
        (resultOf(() => reader.one(Buffer.from(body))) as { body: string }).body,
      ).toString(),
    ).detail;

  test("an unknown key is shown in full, however long it is", () => {
    const key = "é\\n".repeat(50_000);
    const [detail] = locOf(`{"a":1,"${key}":2}`);
    expect(detail).toEqual({
      type: "extra_forbidden",
      loc: ["body", "é\n".repeat(50_000)],
      msg: "Extra inputs are not permitted",
      input: 2,
    });
  });

  test("a repeated long unknown key is listed once, with its last value", () => {
    const key = "k".repeat(1000);
    const details = locOf(`{"a":1,"${key}":2,"${key}x":3,"\\u006b${key.slice(1)}":4}`);
    expect(details.map(({ input }: { input: number }) => input)).toEqual([4, 3]);
  });
});
