import { describe, expect, test } from "vitest";
import { CsvError, parseTable, writeCsv } from "../../src/playground/page/csv.js";

describe("reading CSV", () => {
  test.each([
    ["commas", "a,b\n1,2\n"],
    ["semicolons", "a;b\n1;2\n"],
    ["tabs", "a\tb\n1\t2\n"],
    ["line breaks of Windows", "a,b\r\n1,2\r\n"],
    ["line breaks of old Macs, some of them consecutive", "a,b\r1,2\r"],
    ["no line break at the end", "a,b\n1,2"],
    ["a byte-order mark", "\uFEFFa,b\n1,2\n"],
    ["blank lines", "\n\na,b\n\n1,2\n\n"],
    ["quotes", '"a","b"\n"1","2"\n'],
  ])("a table with %s is read", (_, text) => {
    expect(parseTable(text)).toEqual({ columns: ["a", "b"], rows: [["1", "2"]] });
  });

  test("a quoted cell can contain delimiters, quotes and line breaks", () => {
    const { rows } = parseTable('a,b\n"1,5 ""x""\n2",3\n');
    expect(rows).toEqual([['1,5 "x"\n2', "3"]]);
  });

  test("a delimiter in a quoted name is not mistaken for that of the table", () => {
    expect(parseTable('"a,b,c";d\n1;2\n').columns).toEqual(["a,b,c", "d"]);
  });

  test("empty cells are kept, and a short row stays short", () => {
    expect(parseTable("a,b,c\n1,,3\n,\n").rows).toEqual([
      ["1", "", "3"],
      ["", ""],
    ]);
  });

  test("a quote that is not closed is reported with the line where it begins", () => {
    expect(() => parseTable('a,b\n1,2\n3,"4\n5,6\n')).toThrow(
      new CsvError("The quote that begins in line 3 is not closed."),
    );
  });

  test.each(["", "\n", "a,b\n"])("a table without rows is reported: %j", (text) => {
    expect(() => parseTable(text)).toThrow(/^There are no rows/);
  });

  test("two columns with the same name are reported", () => {
    expect(() => parseTable("a,b,a\n1,2,3\n")).toThrow("Two columns have the name a.");
  });
});

test("a written table is read unchanged", () => {
  const rows = [
    ["a", 'b "quoted"'],
    ["1,5", "two\nlines"],
    ["", "x"],
  ];
  const { columns, rows: body } = parseTable(writeCsv(rows));
  expect([columns, ...body]).toEqual(rows);
});
