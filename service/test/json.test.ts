import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { parseDecimal } from "../src/json/decimal.ts";
import { echo } from "../src/json/echo.ts";
import { quote, stringContent } from "../src/json/string.ts";
import { checkSyntax, JsonLimitError, JsonSyntaxError } from "../src/json/syntax.ts";

const check = (text: string) => checkSyntax(Buffer.from(text), 0);

function syntaxError(text: string): { message: string; offset: number } {
  try {
    check(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { message: error.message, offset: error.offset };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe("JSON syntax", () => {
  test.each([
    ["", "Expecting value", 0],
    ["NaN", "Expecting value", 0],
    ["-", "Expecting value", 0],
    ["nul", "Expecting value", 0],
    ['{"a":-Infinity}', "Expecting value", 5],
    ["[1,Infinity]", "Expecting value", 3],
    ["[01]", "Expecting ',' delimiter", 2],
    ["[1.]", "Expecting ',' delimiter", 2],
    ["[1e+]", "Expecting ',' delimiter", 2],
    ['{"a":1,}', "Expecting property name enclosed in double quotes", 7],
    ["{1:2}", "Expecting property name enclosed in double quotes", 1],
    ["[1,]", "Expecting value", 3],
    ["[1", "Expecting ',' delimiter", 2],
    ['"abc', "Unterminated string starting at", 0],
    ['["a\\', "Unterminated string starting at", 1],
    ['"a\nb"', "Invalid control character at", 2],
    ['"\\x"', "Invalid \\escape", 1],
    ['"\\é"', "Invalid \\escape", 1],
    ['"\\u12g4"', "Invalid \\uXXXX escape", 2],
    ['"\\u1234', "Invalid \\uXXXX escape", 2],
    ['{"a" 1}', "Expecting ':' delimiter", 5],
    ["[1 2]", "Expecting ',' delimiter", 3],
    ["{} {}", "Extra data", 3],
  ])("the malformed JSON %j gets CPython's error: %s at %i", (text, message, offset) => {
    expect(syntaxError(text)).toEqual({ message, offset });
  });

  test("offsets count code points, not bytes or UTF-16 units", () => {
    expect(syntaxError('{"😀é": x}').offset).toBe(7);
  });

  test("JSON is accepted if and only if JSON.parse accepts it", () => {
    const mutated = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\eE.+-0 \n\u00e9tu'))
      .map(([json, at, character]) => {
        const index = at % (json.length + 1);
        return json.slice(0, index) + character + json.slice(index + (at % 2));
      });
    function accepts(parse: (text: string) => unknown, text: string): boolean {
      try {
        parse(text);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        return false;
      }
    }
    fc.assert(
      fc.property(mutated, (text) => accepts(check, text) === accepts(JSON.parse, text)),
      { numRuns: 3000 },
    );
  });
});

describe("Python's limits", () => {
  test("900 levels of nesting are accepted, 901 are rejected", () => {
    check(`${"[".repeat(900)}${"]".repeat(900)}`);
    expect(() => check("[".repeat(901))).toThrow(JsonLimitError);
    expect(() => check('{"a":'.repeat(901))).toThrow(JsonLimitError);
  });

  test("an integer with 4,300 digits is accepted, one with 4,301 is rejected", () => {
    check(`-${"1".repeat(4300)}`);
    expect(() => check("1".repeat(4301))).toThrow(JsonLimitError);
    check(`0.${"1".repeat(5000)}`);
    check(`${"1".repeat(5000)}e1`);
  });

  test("a syntax error is reported only if it comes before a limit is exceeded", () => {
    expect(() => check(`x${"[".repeat(901)}`)).toThrow(JsonSyntaxError);
    expect(() => check(`${"[".repeat(901)}x`)).toThrow(JsonLimitError);
  });
});

const unlimited = 1_000_000;

function echoed(text: string, maxBytes = unlimited): string | undefined {
  check(text);
  return echo(Buffer.from(text), 0, maxBytes);
}

describe("a value echoed in an error response", () => {
  test("an echoed value has the same meaning", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (json) => {
        expect(JSON.parse(echoed(json) ?? "")).toEqual(JSON.parse(json));
      }),
      { numRuns: 1000 },
    );
  });

  test("integers are echoed digit by digit, floats in Python's notation", () => {
    const text =
      "[9007199254740993,-0,1.0,-0.0,1e-05,0.0001,1e16,123456789012345680.0,1.5E+300,1e400]";
    expect(echoed(text)).toBe(
      "[9007199254740993,0,1.0,-0.0,1e-05,0.0001,1e+16,1.2345678901234568e+17,1.5e+300,null]",
    );
  });

  test("echoed keys keep their order, including numeric keys and __proto__", () => {
    const text = '{"b":1,"10":2,"2":3,"__proto__":4}';
    expect(echoed(text)).toBe(text);
  });

  test("an echoed duplicate key has its first position and its last value, even if escaped differently", () => {
    expect(echoed('{"a":1, "b":2, "\\u0061":3}')).toBe('{"a":3,"b":2}');
  });

  test("a value is not echoed if its JSON is longer than the limit in UTF-8 bytes", () => {
    expect(echoed(`"${"é".repeat(10)}"`, 22)).toBe(`"${"é".repeat(10)}"`);
    expect(echoed(`"${"é".repeat(10)}"`, 21)).toBeUndefined();
    expect(echoed("[1,[2,3]]", 9)).toBe("[1,[2,3]]");
    expect(echoed("[1,[2,3]]", 8)).toBeUndefined();
    expect(echoed(`{"a":1}`, 7)).toBe('{"a":1}');
    expect(echoed(`{"a":1}`, 6)).toBeUndefined();
  });

  test("replaced values of duplicate keys and white space do not count toward the limit", () => {
    expect(echoed(`{"a":"${"x".repeat(100)}", "a":1}`, 10)).toBe('{"a":1}');
    expect(echoed(`[${" ".repeat(1000)}1${" ".repeat(1000)}]`, 10)).toBe("[1]");
  });
});

describe("quote", () => {
  const jsonString = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }).map((text) => JSON.stringify(text).slice(1, -1)),
        fc.constantFrom(
          "\\/",
          "\\u0041",
          "\\ud83d",
          "\\ude00",
          "\\uD83D\\uDE00",
          "\\u00e9",
          "\\\\",
        ),
      ),
    )
    .map((parts) => `"${parts.join("")}"`);

  test("strings are quoted like JSON.stringify, including lone surrogates and escaped pairs", () => {
    fc.assert(
      fc.property(jsonString, (text) => {
        const body = Buffer.from(text);
        const quoted = quote(stringContent(body, 0, body.length));
        expect(Buffer.from(quoted).toString()).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a decimal number of any length", () => {
  const parse = (text: string) => parseDecimal(Buffer.from(text), 0, text.length);

  test("a decimal number of any length is parsed to the nearest double, like in JavaScript", () => {
    const digits = (maxLength: number) =>
      fc.array(fc.nat(9), { maxLength }).map((each) => each.join(""));
    const long = fc
      .tuple(
        fc.constantFrom("", "-", "+"),
        digits(9),
        fc.nat(1500),
        digits(9),
        fc.integer({ min: -1700, max: 1700 }),
      )
      .map(
        ([sign, start, zeros, end, power]) =>
          `${sign}${start}${"0".repeat(zeros)}${end}.${end}e${power}`,
      );
    fc.assert(
      fc.property(long, (text) => {
        expect(parse(text)).toBe(Number(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("a digit far beyond the significant ones can decide between two doubles", () => {
    const halfWay = "9007199254740993";
    expect(parse(`${halfWay}.${"0".repeat(900)}`)).toBe(9007199254740992);
    expect(parse(`${halfWay}.${"0".repeat(900)}1`)).toBe(9007199254740994);
  });

  test.each(["", "+", ".", "e5", "1e", "1e+", "1.2.3", "1_0", "0x1", " 1", "1 "])(
    "%j is not a decimal number",
    (text) => {
      expect(parse(text)).toBeNaN();
    },
  );
});
