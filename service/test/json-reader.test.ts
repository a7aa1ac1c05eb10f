import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  JsonLimitError,
  JsonSyntaxError,
  readJson as readLimited,
} from "../src/wire/json-reader.ts";
import { writeJson } from "../src/wire/json-writer.ts";

const unlimited = Number.POSITIVE_INFINITY;
const names = new Set(["name"]);
const readAll = { maxItems: unlimited, maxKeys: unlimited, names };
const readJson = (text: string) => readLimited(text, readAll);

function syntaxError(text: string): { message: string; offset: number } {
  try {
    readJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { message: error.message, offset: error.offset };
    throw error;
  }
  throw new Error(`${text} was read`);
}

describe("what is not JSON", () => {
  test.each([
    ["NaN", "Expecting value", 0],
    ['{"a":-Infinity}', "Expecting value", 5],
    ["[1,Infinity]", "Expecting value", 3],
    ['{"a":1,}', "Expecting property name enclosed in double quotes", 7],
    ["[1,]", "Expecting value", 3],
    ['"abc', "Unterminated string starting at", 0],
    ['"a\nb"', "Invalid control character at", 2],
    ['"\\x"', "Invalid \\escape", 1],
    ['"\\u12g4"', "Invalid \\uXXXX escape", 2],
    ['"\\u1234', "Invalid \\uXXXX escape", 2],
    ['{"a" 1}', "Expecting ':' delimiter", 5],
    ["[1 2]", "Expecting ',' delimiter", 3],
    ["{} {}", "Extra data", 3],
  ])("%s: %s at %i", (text, message, offset) => {
    expect(syntaxError(text)).toEqual({ message, offset });
  });

  test("offsets count code points", () => {
    expect(syntaxError('{"😀😀": x}').offset).toBe(7);
  });

  test("900 levels are read, 901 are too deep", () => {
    expect(readJson(`${"[".repeat(900)}${"]".repeat(900)}`)).toBeInstanceOf(Array);
    expect(() => readJson("[".repeat(901))).toThrow(JsonLimitError);
    expect(() => readJson('{"a":'.repeat(901))).toThrow(JsonLimitError);
  });

  test("4,300 digits are read, 4,301 are too many", () => {
    expect(readJson(`-${"1".repeat(4300)}`)).toBe(-BigInt("1".repeat(4300)));
    expect(() => readJson("1".repeat(4301))).toThrow(JsonLimitError);
    expect(readJson(`0.${"1".repeat(5000)}`)).toBeCloseTo(1 / 9);
  });

  test("it takes what JSON.parse takes, and nothing else", () => {
    const mutated = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\eE.+-0 \n\u00e9tu'))
      .map(([json, at, character]) => {
        const index = at % (json.length + 1);
        return json.slice(0, index) + character + json.slice(index + (at % 2));
      });
    function takes(parse: (text: string) => unknown, text: string): boolean {
      try {
        parse(text);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        return false;
      }
    }
    fc.assert(
      fc.property(mutated, (text) => takes(readJson, text) === takes(JSON.parse, text)),
      { numRuns: 2000 },
    );
  });
});

describe("what is read", () => {
  test("is written back with the same meaning", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const written = writeJson(readJson(json), unlimited) ?? "";
        expect(JSON.parse(written)).toEqual(JSON.parse(json));
      }),
      { numRuns: 1000 },
    );
  });

  test("integers stay digit for digit, floats take Python's notation", () => {
    const text =
      "[9007199254740993,-0,1.0,-0.0,1e-05,0.0001,1e16,123456789012345680.0,1.5E+300,1e400]";
    expect(writeJson(readJson(text), unlimited)).toBe(
      "[9007199254740993,0,1.0,-0.0,1e-05,0.0001,1e+16,1.2345678901234568e+17,1.5e+300,null]",
    );
  });

  test("keys keep their order, numeric ones and __proto__ too", () => {
    const text = '{"b":1,"10":2,"2":3,"__proto__":4}';
    expect(writeJson(readJson(text), unlimited)).toBe(text);
  });

  test("of a duplicate key the first place and the last value count", () => {
    expect(writeJson(readJson('{"a":1,"b":2,"a":3}'), unlimited)).toBe('{"a":3,"b":2}');
  });

  test("of a long array only so many items are kept, and its length", () => {
    const read = readLimited("[[1,2,3],4,[]]", { ...readAll, maxItems: 2 });
    expect(read).toHaveLength(3);
    expect(Object.values(read ?? {})).toEqual([[1n, 2n, undefined], 4n]);
    expect(() => readLimited("[1,2,3,}", { ...readAll, maxItems: 2 })).toThrow("Expecting value");
  });

  test("of a large object only so many keys are kept, and those with a name that matters", () => {
    const text = '{"a":1,"b":2,"c":3,"name":4,"a":5}';
    const read = readLimited(text, { ...readAll, maxKeys: 2 });
    expect(writeJson(read, unlimited)).toBe('{"a":5,"b":2,"name":4}');
    expect(() => readLimited('{"a":1,"b":2,"c"}', { ...readAll, maxKeys: 1 })).toThrow("':'");
  });

  test("a lone surrogate is written escaped", () => {
    expect(writeJson(readJson('"\\ud800"'), unlimited)).toBe('"\\ud800"');
  });

  test("a value is written only up to the limit, in UTF-8 bytes", () => {
    expect(writeJson("é".repeat(10), 22)).toBe(`"${"é".repeat(10)}"`);
    expect(writeJson("é".repeat(10), 21)).toBeUndefined();
    expect(writeJson([1n, [2n, 3n]], 9)).toBe("[1,[2,3]]");
    expect(writeJson([1n, [2n, 3n]], 8)).toBeUndefined();
  });
});
