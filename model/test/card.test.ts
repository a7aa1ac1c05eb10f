import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ModelCard } from "../../service/src/model/card.ts";
import { type CardSources, writeCard } from "../src/card/write-card.ts";
import { castTo, operatorModel, smallModel, toNumber, type Value } from "./small-models.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "card-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

type Sources = Partial<CardSources> & { readonly onnx?: Uint8Array };

/** Writes the files, then the card. */
async function write(csv: string | Uint8Array, { onnx, ...sources }: Sources = {}) {
  const model = path.join(folder, "m.onnx");
  const data = path.join(folder, "rows.csv");
  await writeFile(model, onnx ?? operatorModel("Neg", { columns: 2 }));
  await writeFile(data, csv);
  const shown: string[] = [];
  const defaults = { model, data, target: undefined, record: undefined, force: false };
  const stream = { write: (text: string) => shown.push(text) };
  const written = await writeCard({ ...defaults, ...sources }, stream);
  return { ...written, progress: shown.join("") };
}

/** A model with one input per feature, which predicts the number of the first feature. */
function columnsModel(inputs: readonly (readonly [name: string, type: Value["type"]])[]) {
  const columns = inputs.map(([name, type]) => ({ name, type, shape: ["N", 1] }));
  return smallModel({
    inputs: columns,
    outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
    nodes: columns.slice(0, 1).map((first) => toNumber(first, "y", { a: 1 })),
  });
}

/** A model with outputs for labels and probabilities, which returns its input as probabilities. */
const twoClasses = smallModel({
  inputs: [{ name: "x", type: "float32", shape: ["N", 2] }],
  outputs: [
    { name: "label", type: "int64", shape: ["N"] },
    { name: "probabilities", type: "float32", shape: ["N", 2] },
  ],
  nodes: [
    {
      operator: "ArgMax",
      inputs: ["x"],
      output: "label",
      attributes: { axis: { int: 1 }, keepdims: { int: 0 } },
    },
    { operator: "Identity", inputs: ["x"], output: "probabilities" },
  ],
});

/** Writes a card, and returns its features by name. */
async function featuresOf(csv: string, onnx: Uint8Array) {
  const { card } = await write(csv, { onnx });
  return Object.fromEntries(card.features.map((feature) => [feature.name, feature]));
}

describe("an invalid table", () => {
  const latin = Buffer.from("stra\xdfe,b\n1,2\n", "latin1");
  test.each<[string, string | Uint8Array, RegExp]>([
    ["no content", "", /^rows\.csv: there are no rows/],
    [
      "only a header",
      "a,b\n",
      /^rows\.csv: there are no rows after the line with the column names$/,
    ],
    ["text that is not UTF-8", latin, /^rows\.csv: this is not UTF-8 text; save the table as CSV/],
    ["an open quote", 'a,b\n1,"2\n', /^rows\.csv: this is not CSV: Quote Not Closed/],
    [
      "a short row",
      "a,b\n1,2\n3\n",
      /^rows\.csv: this is not CSV: Invalid Record Length.* line 3$/,
    ],
    ["semicolons", "a;b\n1;2\n", /^rows\.csv: the columns are separated by ";"; save .* commas$/],
    [
      "no column names",
      "1,2\n3,4\n",
      /^rows\.csv: the first line contains only numbers; it must contain/,
    ],
    [
      "an unnamed column",
      ",a\n0,1\n",
      /column 1 has no name in the first line; if pandas .*index=False/,
    ],
    ["a duplicate name", "a,a\n0,1\n", /^rows\.csv: two columns have the name a$/],
    [
      "too few columns",
      "a\n1\n",
      /input x has 2 columns, but the table has 1: a\. Use --target to name the column/,
    ],
    [
      "too many columns",
      "a,b,c\n1,2,3\n",
      /has 2 columns, but the table has 3: a, b, c\. Use --target/,
    ],
    [
      "an empty cell",
      "a,b\n1,2\n3,\n",
      /^rows\.csv: line 3, column b: the value is missing; the service/,
    ],
    ["NaN", "a,b\n1,NaN\n", /line 2, column b: the value is missing/],
    ["a word", "a,b\n1,red\n", /^rows\.csv: line 2, column b: "red" is not a finite number$/],
    ["an infinity", "a,b\n1,1e999\n", /line 2, column b: "1e999" is not a finite number/],
    ["a hexadecimal number", "a,b\n1,0x10\n", /line 2, column b: "0x10" is not a finite number/],
    [
      "numbers mixed with truth values",
      "a,b\n1,true\n2,3\n",
      /column b: 1 of 2 values are true or false/,
    ],
  ])("a table with %s is rejected, and the message says why", async (_, csv, message) => {
    await expect(write(csv)).rejects.toThrow(message);
  });

  test("line numbers are correct after a quoted cell with several lines", async () => {
    const onnx = columnsModel([
      ["a", "string"],
      ["b", "float32"],
    ]);
    await expect(write('a,b\n"one\ntwo",1\nx,?\n', { onnx })).rejects.toThrow(/line 4, column b:/);
  });

  test("an unknown target is rejected", async () => {
    await expect(write("a,b,c\n1,2,3\n", { target: "d" })).rejects.toThrow(
      "there is no column d; the columns are a, b, c",
    );
  });

  test("a table with too few columns in addition to the target is rejected", async () => {
    await expect(write("a,b\n1,2\n", { target: "b" })).rejects.toThrow(
      /input x has 2 columns, but the table has 1 without b: a\. Remove/,
    );
  });

  test("a target that is not a number is rejected if the model predicts a number", async () => {
    const onnx = operatorModel("Neg");
    await expect(write("a,b\n1,red\n", { onnx, target: "b" })).rejects.toThrow(
      'the model predicts numbers, but column b has something else: "red" is not a finite number',
    );
  });

  test("a missing table is reported", async () => {
    await expect(write("", { data: path.join(folder, "none.csv") })).rejects.toThrow(
      /ENOENT.*none/,
    );
  });

  test.each<[string, Value["type"], RegExp]>([
    ["1.5", "int64", /line 2, column a: 1\.5 is not an integer; the model's input a takes int64$/],
    [
      "16777217",
      "int32",
      /16777217 is beyond ±2\^24 \(16777216\), .*float32.*input a takes int32$/,
    ],
    ["-123456789", "int64", /-123456789 is beyond ±2\^24/],
    ["2", "bool", /2 is neither true nor false; the model's input a takes bool$/],
  ])("the value %s is rejected for an input of type %s", async (cell, type, message) => {
    await expect(write(`a\n${cell}\n`, { onnx: columnsModel([["a", type]]) })).rejects.toThrow(
      message,
    );
  });

  test("a column with too many strings for a category is rejected", async () => {
    const texts = Array.from({ length: 10_001 }, (_, index) => `text ${index}\n`);
    const onnx = columnsModel([["a", "string"]]);
    await expect(write(`a\n${texts.join("")}`, { onnx })).rejects.toThrow(
      /line 10002, column a: there are more than 10000 distinct strings.*not free text$/,
    );
  });
});

describe("the type of a feature", () => {
  test.each<[string, Value["type"], readonly string[], object]>([
    ["a number for a float input", "float32", ["1", "2"], { type: "number", example: 1 }],
    [
      "a number for a float input without fractions",
      "float64",
      ["7", "8"],
      { type: "number", example: 7 },
    ],
    [
      "an integer for a float input with only 0 and 1",
      "float32",
      ["1", "0"],
      { type: "integer", example: 1 },
    ],
    ["a number for a float input with only the value 1", "float32", ["1", "1"], { type: "number" }],
    [
      "a boolean for a float input with true and false",
      "float32",
      ["True", "False"],
      { type: "boolean", example: true },
    ],
    ["an integer for an integer input", "int64", ["3", "4.0"], { type: "integer", maximum: 4 }],
    ["an integer for an integer input with only 0 and 1", "int32", ["0", "1"], { type: "integer" }],
    [
      "a boolean for an integer input with true and false",
      "int64",
      ["false", "TRUE"],
      { type: "boolean" },
    ],
    ["a boolean for a bool input", "bool", ["0", "true"], { type: "boolean", example: false }],
  ])("the type of a feature is %s", async (_, type, cells, feature) => {
    const { a } = await featuresOf(`a\n${cells.join("\n")}\n`, columnsModel([["a", type]]));
    expect(a).toMatchObject(feature);
    for (const bound of ["gt", "ge", "lt", "le"]) expect(a).not.toHaveProperty(bound);
  });

  test("a string input is a category, with any strings in the order of code points", async () => {
    const texts = ["ü", "b", "__proto__", "NaN", "", "b", "\u{1f600}"];
    const csv = `a\n${texts.map((text) => JSON.stringify(`${text} `)).join("\n")}\n`;
    const { a } = await featuresOf(csv, columnsModel([["a", "string"]]));
    expect(a).toMatchObject({
      type: "category",
      categories: [" ", "NaN ", "__proto__ ", "b ", "ü ", "\u{1f600} "],
      example: "ü ",
    });
    expect(a).toHaveProperty(["shares", "b "], 2 / 7);
  });
});

describe("the distribution of a feature", () => {
  test("the distribution of a number is the range and quantiles of the column", async () => {
    const { a } = await featuresOf(
      `a\n${[3, 1.5, 2, -4e-1, 1].join("\n")}\n`,
      operatorModel("Neg"),
    );
    expect(a).toMatchObject({ minimum: -0.4, maximum: 3, quantiles: { "0.25": 1, "0.5": 1.5 } });
  });

  test("the bins of a number divide the column into ten parts", async () => {
    const column = Array.from({ length: 40 }, (_, row) => row + 1);
    const { a } = await featuresOf(`a\n${column.join("\n")}\n`, operatorModel("Neg"));
    expect(a).toMatchObject({
      bins: { edges: [4, 8, 12, 16, 20, 24, 28, 32, 36], shares: Array(10).fill(0.1) },
    });
  });

  test("the distribution of a boolean is the shares of true and false", async () => {
    const { a } = await featuresOf("a\ntrue\nfalse\ntrue\ntrue\n", columnsModel([["a", "bool"]]));
    expect(a).toMatchObject({ shares: { true: 0.75, false: 0.25 } });
  });
});

describe("matching columns and inputs", () => {
  const inputs = [
    ["area_m2", "float32"],
    ["_2nd", "float32"],
  ] as const;

  test("columns match inputs by name or by skl2onnx's name, and other columns are ignored", async () => {
    const { card, notes } = await write("2nd,id,area m2\n1,x,2\n", { onnx: columnsModel(inputs) });
    expect(card.features).toMatchObject([
      { name: "2nd", input: "_2nd", example: 1 },
      { name: "area m2", input: "area_m2", example: 2 },
    ]);
    expect(notes).toEqual(["The model has no input for these columns: id."]);
  });

  test("columns match the numbers that skl2onnx appends to duplicate names", async () => {
    const onnx = columnsModel([
      ["a_b", "float32"],
      ["a_b1", "float32"],
    ]);
    const { card } = await write("a b,a_b\n1,2\n", { onnx });
    expect(card.features).toMatchObject([
      { name: "a b", input: "a_b" },
      { name: "a_b", input: "a_b1" },
    ]);
  });

  test("columns with letters of any script match", async () => {
    const onnx = columnsModel([
      ["größe_名", "float32"],
      ["b", "float32"],
    ]);
    const { card } = await write("größe 名,b\n1,2\n", { onnx });
    expect(card.features).toMatchObject([{ name: "größe 名", input: "größe_名" }, { name: "b" }]);
  });

  test("columns match by position if no name matches, and a note says so", async () => {
    const onnx = columnsModel([
      ["f0", "float32"],
      ["f1", "float32"],
    ]);
    const { card, notes } = await write("a,b,c\n1,2,3\n", { onnx, target: "b" });
    expect(card.features).toMatchObject([
      { name: "a", input: "f0" },
      { name: "c", input: "f1" },
    ]);
    expect(notes).toContain(
      "No input has the name of a column, so inputs and columns are matched by position: f0 takes a, f1 takes c.",
    );
  });

  test("columns are rejected if only some names match", async () => {
    await expect(write("area m2,b\n1,2\n", { onnx: columnsModel(inputs) })).rejects.toThrow(
      "there is no column for 1 of the model's 2 inputs (_2nd); the columns are area m2, b",
    );
  });

  test("columns are rejected if no name matches and their number is wrong", async () => {
    await expect(write("a,b,c\n1,2,3\n", { onnx: columnsModel(inputs) })).rejects.toThrow(
      "there is no column for 2 of the model's 2 inputs (area_m2, _2nd); the columns are a, b, c",
    );
  });
});

describe("a card with a target", () => {
  const identity = operatorModel("Identity");

  test("the card has R², RMSE and MAE if the model predicts a number", async () => {
    const { card, metrics } = await write("a,y\n1,1\n2,2\n3,4\n", { onnx: identity, target: "y" });
    const { r2, rmse, mae } = metrics;
    expect(card.metrics).toEqual({ train: metrics });
    expect(r2).toBeCloseTo(1 - 1 / (14 / 3), 12);
    expect(rmse).toBeCloseTo(Math.sqrt(1 / 3), 12);
    expect(mae).toBeCloseTo(1 / 3, 12);
    expect(card.target).toEqual({ name: "y" });
  });

  test("a map of the rows is written if a number is predicted from a latitude and a longitude", async () => {
    const onnx = columnsModel([
      ["Latitude", "float32"],
      ["longitude", "float32"],
    ]);
    await write("Latitude,longitude,y\n34.05,-118.25,2\n34.01,-118.21,4\n", { onnx, target: "y" });
    const text = await readFile(path.join(folder, "m.locations.json"), "utf8");
    expect(JSON.parse(text)).toEqual({
      latitude: "Latitude",
      longitude: "longitude",
      cellDegrees: 0.1,
      cells: [[34, -118.3, 3, 2]],
    });
  });

  test("no map of the rows is written without a location", async () => {
    await write("Latitude,b,y\n34.05,1,2\n34.01,2,4\n", {
      onnx: columnsModel([
        ["Latitude", "float32"],
        ["b", "float32"],
      ]),
      target: "y",
    });
    expect(await readdir(folder)).not.toContain("m.locations.json");
  });

  test("the card has no R² if all targets are equal", async () => {
    const { card, notes } = await write("a,y\n1,1\n2,1\n", { onnx: identity, target: "y" });
    expect(card.metrics).toEqual({ train: { rmse: Math.SQRT1_2, mae: 0.5 } });
    expect(notes).toContain("Column y has only one value, so there is no R².");
  });

  test("the card has no metrics if a prediction is not finite, and a note says so", async () => {
    const csv = "a,y\n-1,1\n2,1\n";
    const { card, notes } = await write(csv, { onnx: operatorModel("Log"), target: "y" });
    expect(card.metrics).toBeUndefined();
    expect(notes.join()).toMatch(/1 of 2 predicted numbers are infinite or not a number/);
  });

  test("the card has accuracy, log loss and class names if the model predicts probabilities", async () => {
    const csv = "a,b,y\n0.8,0.2,red\n0.6,0.4,blue\n0.25,0.75,red\n";
    const { card, metrics, notes } = await write(csv, { onnx: twoClasses, target: "y" });
    expect(card.target).toEqual({ name: "y", output: "probabilities", outputs: ["blue", "red"] });
    const { accuracy, logLoss } = metrics;
    expect(card.metrics).toEqual({ train: metrics });
    expect(accuracy).toBeCloseTo(2 / 3, 12);
    expect(logLoss).toBeCloseTo(-(Math.log(0.2) + Math.log(0.6) + Math.log(0.75)) / 3, 7);
    expect(notes.join()).toContain("classes of column y in ascending order");
  });

  test.each([
    ["numbers in numerical order, without trailing zeros", ["10", "9.0", "10.0"], ["9", "10"]],
    ["0 and 1, even if one is missing", ["1", "1", "1"], ["0", "1"]],
    ["strings such as True and False", ["True", "False", "True"], ["False", "True"]],
  ])("the class names can be %s", async (_, labels, outputs) => {
    const csv = labels.map((label) => `0.5,0.5,${label}\n`).join("");
    const { card } = await write(`a,b,y\n${csv}`, { onnx: twoClasses, target: "y" });
    expect(card.target.outputs).toEqual(outputs);
  });

  test("the card has no class names and metrics if the number of classes is wrong, and a note says so", async () => {
    const csv = "a,b,y\n1,0,x\n1,0,y\n1,0,z\n";
    const { card, notes } = await write(csv, { onnx: twoClasses, target: "y" });
    expect(card.target.outputs).toBeUndefined();
    expect(card.metrics).toBeUndefined();
    expect(notes.join()).toMatch(/predicts 2 numbers .* column y has 3 different values/);
  });

  test("the card has no log loss if the model predicts scores", async () => {
    const csv = "a,b,y\n3,-1,0\n-2,4,1\n";
    const { card } = await write(csv, { onnx: twoClasses, target: "y" });
    expect(card.metrics).toEqual({ train: { accuracy: 1 } });
  });

  test("the card has only accuracy if the model predicts integers", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: [{ name: "label", type: "int64", shape: ["N", 1] }],
      nodes: [{ operator: "Cast", inputs: ["x"], output: "label", attributes: castTo("int64") }],
    });
    const { card } = await write("a,y\n1.5,1\n2.5,3\n", { onnx, target: "y" });
    expect(card.metrics).toEqual({ train: { accuracy: 0.5 } });
  });

  test("metrics use all rows, and progress is shown for many rows", async () => {
    const rows = Array.from({ length: 100_100 }, (_, row) => `${row % 7},${row % 7}\n`);
    const { card, progress } = await write(`a,y\n${rows.join("")}`, {
      onnx: identity,
      target: "y",
    });
    expect(card.metrics).toEqual({ train: { r2: 1, rmse: 0, mae: 0 } });
    expect(progress).toMatch(/^predict {2}10 % .*\n(.*\n)*predict 100 % 100100 of 100100 rows\n$/);
  });
});

describe("a card without a target", () => {
  test("without a target, the numbers of a prediction have no names, and a note says so", async () => {
    const { card, notes } = await write("a,b\n1,0\n", { onnx: twoClasses });
    expect(card.target).toEqual({ output: "probabilities" });
    expect(notes.join()).toContain("predicts 2 numbers for each record. Name them in the card");
  });
});

describe("the card", () => {
  test("the same files give the same card, which the service accepts unchanged", async () => {
    const first = await write("a,b,y\n1,2,3\n4,5,6\n", { target: "y", onnx: twoClasses });
    const text = await readFile(first.path, "utf8");
    await write("a,b,y\n1,2,3\n4,5,6\n", { target: "y", onnx: twoClasses, force: true });
    expect(await readFile(first.path, "utf8")).toBe(text);
    expect(ModelCard.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  test("the card names the file with the rows, and the records", async () => {
    const record = { singular: "wine", plural: "wines" };
    const { card } = await write("a,b\n1,2\n", { record });
    expect(card).toMatchObject({ name: "m", record, data: { name: "rows.csv", rows: 1 } });
  });

  test("an existing card is replaced only with --force", async () => {
    const cardPath = path.join(folder, "m.json");
    await writeFile(cardPath, "edited");
    await expect(write("a,b\n1,2\n")).rejects.toThrow(
      `${cardPath} already exists and may have been edited; use --force to replace it`,
    );
    expect(await readFile(cardPath, "utf8")).toBe("edited");
    await write("a,b\n1,2\n", { force: true });
    expect(await readFile(cardPath, "utf8")).toContain('"name": "m"');
  });

  test("an existing card stays unchanged if the table is invalid", async () => {
    const cardPath = path.join(folder, "m.json");
    await writeFile(cardPath, "edited");
    await expect(write("a,b\n1,?\n", { force: true })).rejects.toThrow("line 2, column b");
    expect(await readFile(cardPath, "utf8")).toBe("edited");
  });
});

describe("the command", () => {
  function run(...args: readonly string[]) {
    const file = path.join(import.meta.dirname, "../src/card.ts");
    return spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: "utf8" });
  }

  test.each<[string, readonly string[], RegExp]>([
    [
      "no model",
      ["--data", "x.csv"],
      /^error: exactly one model and its training rows are required\nusage:/,
    ],
    ["no data", ["m.onnx"], /^error: exactly one model and its training rows are required\nusage:/],
    ["two models", ["m.onnx", "n.onnx", "--data", "x.csv"], /^error: exactly one model and/],
    [
      "a file of another kind",
      ["m.pkl", "--data", "x.csv"],
      /^error: m\.pkl does not end in \.onnx/,
    ],
    [
      "one name for records",
      ["m.onnx", "--data", "x", "--record", "wine"],
      /--record is "wine"; it must be two names/,
    ],
    ["an unknown option", ["--dta", "x.csv"], /^error: Unknown option '--dta'/],
  ])("the command rejects %s", (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("the command rejects a file that is not an ONNX model", async () => {
    await writeFile(path.join(folder, "m.onnx"), "no model");
    await writeFile(path.join(folder, "rows.csv"), "a\n1\n");
    const { status, stderr } = run("m.onnx", "--data", "rows.csv");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: m\.onnx cannot be served: ONNX Runtime cannot load it: .*\n$/);
  });

  test("the command prints what it wrote, the metrics, and what to do next", async () => {
    await writeFile(path.join(folder, "m.onnx"), twoClasses);
    await writeFile(path.join(folder, "rows.csv"), "a,b,y\n0.8,0.2,red\n0.6,0.4,blue\n");
    const { stdout } = run(
      "m.onnx",
      "--data",
      "rows.csv",
      "--target",
      "y",
      "--record",
      "wine, wines",
    );
    expect(stdout).toBe(
      [
        "Wrote m.json: 2 features, 2 rows.",
        "On these rows: accuracy 0.5000, log loss 1.0601.",
        "The model's input x has no column names. They are assumed to be in the table's order, from a to b.",
        "The numbers of a prediction are assumed to be the classes of column y in ascending order, as in scikit-learn: blue, red.",
        "Check and edit it, then serve the model: MODEL_PATH=m.onnx ./run.sh local",
        "",
      ].join("\n"),
    );
    const card = JSON.parse(await readFile(path.join(folder, "m.json"), "utf8"));
    expect(card.record).toEqual({ singular: "wine", plural: "wines" });
  });
});
