import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { vectorOfIntegers } from "../../model/src/onnx-nodes.ts";
import { castTo, operatorModel, smallModel } from "../../model/test/small-models.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import type { App } from "../src/app.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { appUnderTest, defaultLimits, post } from "./app-under-test.ts";
import { startService } from "./service-process.ts";

const shared = fileURLToPath(new URL("../../../shared/models", import.meta.url));
const cardCommand = fileURLToPath(new URL("../../model/src/card.ts", import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "any-model-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes a model and its card. If the card has no version, it gets the model's digest. */
function modelFiles(onnx: Uint8Array, card: object): string {
  const path = join(temporaryFolder(), "m.onnx");
  const version = createHash("sha256").update(onnx).digest("hex");
  writeFileSync(path, onnx);
  writeFileSync(path.replace(".onnx", ".json"), JSON.stringify({ name: "m", version, ...card }));
  return path;
}

/** Serves the model of a file. */
async function appOf(path: string): Promise<App> {
  const model = await loadModel(path, defaultLimits.maxHouses);
  onTestFinished(() => model.reader.close());
  return appUnderTest({ model });
}

/** Serves a model with a card. */
const appOfModel = (onnx: Uint8Array, card: object) => appOf(modelFiles(onnx, card));

const One = z.object({ prediction: z.unknown() });
const Many = z.object({ predictions: z.array(z.unknown()) });

async function predictOne(app: App, record: unknown): Promise<unknown> {
  return One.parse(await (await post(app, "/predict", record)).json()).prediction;
}

async function predictMany(app: App, records: readonly unknown[]): Promise<readonly unknown[]> {
  return Many.parse(await (await post(app, "/bulk_predict", { records })).json()).predictions;
}

const Document = z.looseObject({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

/** Validates the OpenAPI document, and returns its schemas. */
async function schemasOf(app: App): Promise<Readonly<Record<string, unknown>>> {
  const document: unknown = await (await app.request("/openapi.json")).json();
  expect(await new Validator().validate(Object(document))).toEqual({ valid: true });
  return Document.parse(document).components.schemas;
}

const numbers = (...names: string[]) => names.map((name) => ({ name, example: 1 }));

describe("a model trained in Python", () => {
  const Entries = z.array(
    z.object({ model: z.string(), target: z.string(), refused: z.string().optional() }),
  );
  const entries = existsSync(shared)
    ? Entries.parse(JSON.parse(readFileSync(join(shared, "index.json"), "utf8")))
    : [{ model: "…", target: "", refused: undefined }];
  const served = entries.filter(({ refused }) => refused === undefined);
  const testWithModels = testNeeding(existsSync(shared));

  const Expected = z.object({
    rows: z.array(z.record(z.string(), z.unknown())).length(20),
    predictions: z.array(z.array(z.number())).length(20),
  });

  /** The rows and predictions of ONNX Runtime in Python. A list of one number is a number. */
  function expectedOf(model: string) {
    const path = join(shared, model.replace(".onnx", ".expected.json"));
    const { rows, predictions } = Expected.parse(JSON.parse(readFileSync(path, "utf8")));
    return { rows, predictions: predictions.map((row) => (row.length === 1 ? row[0] : row)) };
  }

  /** Copies the model, and writes its card with the card command. */
  function withCard(model: string, target: string): string {
    const path = join(temporaryFolder(), model);
    copyFileSync(join(shared, model), path);
    const data = join(shared, model.replace(".onnx", ".csv"));
    const args = [cardCommand, path, "--data", data, "--target", target];
    const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    return path;
  }

  testWithModels.for(served)(
    "$model gives the same predictions as in Python, bit for bit",
    async ({ model, target }) => {
      const { rows, predictions } = expectedOf(model);
      const app = await appOf(withCard(model, target));
      expect(await predictMany(app, rows)).toEqual(predictions);
      for (const [index, row] of rows.entries()) {
        expect(await predictOne(app, row)).toEqual(predictions[index]);
      }
      expect(await Promise.all(rows.map((row) => predictOne(app, row)))).toEqual(predictions);
    },
  );

  testWithModels.for(served)(
    "the OpenAPI document describes the features of $model",
    async ({ model, target }) => {
      const app = await appOf(withCard(model, target));
      const { rows } = expectedOf(model);
      const schemas = await schemasOf(app);
      expect(Object.keys(schemas).filter((name) => name.includes("Record"))).toEqual([
        "Record",
        "BulkRecord",
        "RecordPrediction",
        "BulkRecordPrediction",
      ]);
      expect(schemas).toMatchObject({ Record: { required: Object.keys(rows[0] ?? {}) } });
      expect(JSON.stringify(schemas)).not.toMatch(/house/i);
    },
  );

  testWithModels.for(served.filter(({ model }) => /flats|iris|…/.test(model)))(
    "the service process serves $model",
    async ({ model, target }) => {
      const { rows, predictions } = expectedOf(model);
      const service = startService({ MODEL_PATH: withCard(model, target) });
      const url = `http://127.0.0.1:${await service.port()}`;
      async function send(path: string, body: unknown): Promise<unknown> {
        const headers = { "content-type": "application/json" };
        const response = await fetch(`${url}${path}`, {
          method: "POST",
          headers,
          body: JSON.stringify(body),
        });
        return response.json();
      }
      expect(await send("/bulk_predict", { records: rows })).toEqual({ predictions });
      expect(await send("/predict", rows[0])).toEqual({ prediction: predictions[0] });
      const { type, detail } = Object(await send("/predict", { nothing: 1 }));
      expect({ type, fields: detail.length }).toEqual({
        type: undefined,
        fields: Object.keys(rows[0] ?? {}).length + 1,
      });
    },
  );

  const refusals: Readonly<Record<string, RegExp>> = {
    "iris-zipmap.onnx":
      /output output_probability is a sequence or a map, not a tensor: export a classifier with zipmap=False$/m,
    "image.onnx": /input x has rank 4; a table has rows and columns, so its shape is \[N, k\]$/m,
    "one-row-only.onnx":
      /the first dimension of input x is fixed to 1: export the model with a dynamic batch size$/m,
  };

  testWithModels.for(
    entries.filter(({ model, refused }) => refused !== undefined || model === "…"),
  )(
    "$model is rejected at startup, and the message says what to change",
    async ({ model, target }) => {
      const path = modelFiles(readFileSync(join(shared, model)), {
        features: numbers("a", "b", "c", "d"),
      });
      const service = startService({ MODEL_PATH: path });
      expect(await service.exitStatus()).toBe(1);
      expect(service.stderr()).toMatch(/m\.onnx cannot be served: /);
      expect(service.stderr()).toMatch(refusals[model] ?? /^$/);

      const data = join(shared, model.replace(".onnx", ".csv"));
      const args = [cardCommand, path, "--data", data, "--target", target, "--force"];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(status).toBe(1);
      expect(stderr).toMatch(refusals[model] ?? /^$/);
    },
  );
});

describe("a model with one table", () => {
  test.each(["float32", "float64", "int32", "int64"] as const)(
    "a model with one table of type %s gets all features",
    async (type) => {
      const features = ["a", "b"].map((name) => ({ name, type: "integer", example: 1 }));
      const app = await appOfModel(operatorModel("Neg", { columns: 2, type }), { features });
      expect(await predictOne(app, { b: 3, a: -7 })).toEqual([7, -3]);
    },
  );

  test("a model with one table of booleans gets all features", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "bool", shape: ["N", 2] }],
      outputs: [{ name: "y", type: "float32", shape: ["N", 2] }],
      nodes: [{ operator: "Cast", inputs: ["x"], output: "y", attributes: castTo("float32") }],
    });
    const features = ["a", "b"].map((name) => ({ name, type: "boolean", example: true }));
    const app = await appOfModel(onnx, { features });
    expect(await predictOne(app, { a: false, b: "yes" })).toEqual([0, 1]);
  });

  test("a model with one table gets the indices of categories", async () => {
    const features = [
      { name: "a", type: "category", categories: ["x", "y", "z"], example: "x" },
      { name: "b", example: 1.5 },
    ];
    const app = await appOfModel(operatorModel("Identity", { columns: 2 }), { features });
    expect(await predictOne(app, { a: "z", b: 0.5 })).toEqual([2, 0.5]);
  });

  test("a model with one int64 table accepts the largest integers", async () => {
    const features = [{ name: "a", type: "integer", example: 1 }];
    for (const [type, limit] of [
      ["int64", 2 ** 63],
      ["int32", 2 ** 31],
    ] as const) {
      const app = await appOfModel(operatorModel("Identity", { type }), { features });
      expect(await predictOne(app, `{"a":1${"0".repeat(300)}}`)).toBeCloseTo(limit, -4);
      expect(await predictOne(app, `{"a":-1${"0".repeat(300)}}`)).toBeCloseTo(-limit, -4);
    }
  });
});

describe("a model with an input for each feature", () => {
  const types = ["float32", "float64", "int64", "int32", "bool"] as const;
  const mixed = smallModel({
    inputs: [
      ...types.map((type) => ({ name: `in_${type}`, type, shape: ["N", 1] })),
      { name: "in_string", type: "string", shape: ["N", 1] },
    ],
    outputs: [{ name: "all", type: "float32", shape: ["N", 6] }],
    nodes: [
      ...types.map((type) => ({
        operator: "Cast",
        inputs: [`in_${type}`],
        output: `float_${type}`,
        attributes: castTo("float32"),
      })),
      {
        operator: "LabelEncoder",
        domain: "ai.onnx.ml",
        inputs: ["in_string"],
        output: "float_string",
        attributes: {
          keys_strings: { strings: ["Süd", 'the "old" town'] },
          values_floats: { floats: [10, 20] },
        },
      },
      {
        operator: "Concat",
        inputs: [...types.map((type) => `float_${type}`), "float_string"],
        output: "all",
        attributes: { axis: { int: 1 } },
      },
    ],
  });
  const features = [
    {
      name: "district",
      input: "in_string",
      type: "category",
      categories: ["Süd", 'the "old" town'],
      example: "Süd",
    },
    { name: "lift", input: "in_bool", type: "boolean", example: true },
    { name: "in_int32", type: "integer", example: 1 },
    { name: "rooms", input: "in_int64", type: "integer", example: 1 },
    { name: "area m²", input: "in_float64", example: 1 },
    { name: "in_float32", example: 1 },
  ];
  const record = {
    district: 'the "old" town',
    lift: true,
    in_int32: -3,
    rooms: 4,
    "area m²": 40.25,
    in_float32: 1.5,
  };

  test("a model with one input per feature can have all types in any order", async () => {
    const app = await appOfModel(mixed, { features });
    const other = { ...record, district: "Süd", lift: 0, rooms: "7" };
    expect(await predictMany(app, [record, other])).toEqual([
      [1.5, 40.25, 4, -3, 1, 20],
      [1.5, 40.25, 7, -3, 0, 10],
    ]);
    await schemasOf(app);
  });

  test("values that the card does not allow are rejected like by pydantic", async () => {
    const app = await appOfModel(mixed, { features });
    const response = await post(app, "/predict", {
      ...record,
      district: "Nord",
      lift: 2,
      rooms: 1.5,
    });
    expect(response.status).toBe(422);
    const { detail } = Object(await response.json());
    expect(detail).toMatchObject([
      { loc: ["body", "district"], msg: `Input should be 'Süd' or 'the "old" town'` },
      { loc: ["body", "lift"], type: "bool_parsing" },
      { loc: ["body", "rooms"], type: "int_from_float" },
    ]);
  });

  const changed = (name: string, change: object) =>
    features.map((feature) => (feature.name === name ? { ...feature, ...change } : feature));

  test.each<[string, readonly object[], string]>([
    [
      "an unknown input",
      changed("rooms", { input: "in_int6" }),
      'feature "rooms" is for input in_int6, and the model\'s inputs are in_float32, in_float64, in_int64, in_int32, in_bool, in_string',
    ],
    [
      "an input twice",
      changed("rooms", { input: "in_int32" }),
      "the card has no feature for input in_int64",
    ],
    [
      "a feature too few",
      features.slice(1),
      'the card has no feature for input in_string: give one feature the name of the input as "input"',
    ],
    [
      "a feature too many",
      [...features, { name: "more", example: 1 }],
      'the model has no input for feature "more"; its inputs are in_float32',
    ],
    [
      "a feature of another type",
      changed("rooms", { type: "number" }),
      'feature "rooms" is of type number, and input in_int64 takes int64: its type can be integer, boolean, category',
    ],
    [
      "a number for a text",
      changed("district", { type: "integer", example: 1, categories: undefined }),
      'feature "district" is of type integer, and input in_string takes string: its type can be category',
    ],
  ])("a model with one input per feature is rejected with %s", async (_, wrong, message) => {
    await expect(appOfModel(mixed, { features: wrong })).rejects.toThrow(message);
  });
});

describe("predictions", () => {
  const features = numbers("a");
  const record = { a: 2.5 };

  test("a prediction is a number if the output has the shape [N]", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: [{ name: "y", type: "float32", shape: ["N"] }],
      nodes: [
        {
          operator: "ReduceMax",
          inputs: ["x"],
          output: "y",
          attributes: { axes: { ints: [1] }, keepdims: { int: 0 } },
        },
      ],
    });
    expect(await predictMany(await appOfModel(onnx, { features }), [record])).toEqual([2.5]);
  });

  test("a prediction of shape [N, 1] is a number, or a list if the card names the number", async () => {
    const onnx = operatorModel("Identity");
    expect(await predictOne(await appOfModel(onnx, { features }), record)).toBe(2.5);
    const named = await appOfModel(onnx, { features, target: { outputs: ["probability"] } });
    expect(await predictMany(named, [record, record])).toEqual([[2.5], [2.5]]);
    expect(await schemasOf(named)).toMatchObject({
      RecordPrediction: { properties: { prediction: { type: "array", maxItems: 1 } } },
    });
  });

  const several = smallModel({
    inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
    outputs: [
      { name: "label", type: "int64", shape: ["N", 1] },
      { name: "text", type: "string", shape: ["N", 1] },
      { name: "twice", type: "float64", shape: ["N", 2] },
    ],
    nodes: [
      { operator: "Cast", inputs: ["x"], output: "label", attributes: castTo("int64") },
      { operator: "Cast", inputs: ["x"], output: "text", attributes: castTo("string") },
      { operator: "Concat", inputs: ["x", "x"], output: "xx", attributes: { axis: { int: 1 } } },
      { operator: "Cast", inputs: ["xx"], output: "twice", attributes: castTo("float64") },
    ],
  });

  test("a prediction is the last of several outputs, or the one that the card names", async () => {
    expect(await predictOne(await appOfModel(several, { features }), record)).toEqual([2.5, 2.5]);
    const label = await appOfModel(several, { features, target: { output: "label" } });
    expect(await predictOne(label, { a: 16_777_217 })).toBe(16_777_216);
    expect(await predictOne(label, record)).toBe(2);
  });

  test.each([
    [
      "an output that the model does not have",
      { output: "z" },
      "the model has no output z; it has label, text, twice",
    ],
    [
      "an output of texts",
      { output: "text" },
      "output text is of type string, which is no number: name another one as target.output",
    ],
    [
      "too few numbers",
      { outputs: ["one"] },
      "target.outputs has 1 names, and output twice has 2 numbers for each row",
    ],
  ])("a model is rejected if the card names %s", async (_, target, message) => {
    await expect(appOfModel(several, { features, target })).rejects.toThrow(message);
  });

  test("a model is rejected if it predicts another number of rows", async () => {
    const onnx = smallModel({
      inputs: [{ name: "x", type: "float32", shape: ["N", 1] }],
      outputs: [{ name: "y", type: "float32", shape: ["M", 2] }],
      constants: [vectorOfIntegers("pairs", [-1, 2])],
      nodes: [{ operator: "Reshape", inputs: ["x", "pairs"], output: "y" }],
    });
    await expect(appOfModel(onnx, { features })).rejects.toThrow(
      "output y has shape [8, 2] for 16 rows; it must be [16], [16, 1] or [16, C]",
    );
  });

  test("infinities and NaN in predictions are null, since JSON does not have them", async () => {
    const app = await appOfModel(operatorModel("Log"), { features });
    const text = await (
      await post(app, "/bulk_predict", { records: [{ a: 1 }, { a: 0 }, { a: -1 }] })
    ).text();
    expect(text).toBe('{"predictions":[0,null,null]}');
    const list = await appOfModel(operatorModel("Log", { columns: 2 }), {
      features: numbers("a", "b"),
    });
    expect(await predictOne(list, { a: -1, b: 1 })).toEqual([null, 0]);
  });

  test("a prediction of an output of doubles is rounded to float32", async () => {
    const onnx = operatorModel("Identity", { type: "float64" });
    expect(await predictOne(await appOfModel(onnx, { features }), { a: 0.1 })).toBe(
      Math.fround(0.1),
    );
  });
});

describe("a table that does not match the card", () => {
  test.each<[string, Uint8Array, readonly object[], string]>([
    [
      "the number of columns",
      operatorModel("Neg", { columns: 3 }),
      numbers("a", "b"),
      "input x has 3 columns, and the card has 2 features",
    ],
    [
      "the type of the table",
      operatorModel("Neg", { type: "int64" }),
      numbers("a"),
      'feature "a" is of type number, and input x takes int64: its type can be integer, boolean, category',
    ],
    [
      "the element type",
      operatorModel("Identity", { type: "uint8" }),
      numbers("a"),
      "input x takes uint8; it can take float32, float64, int64, int32, bool, string",
    ],
    [
      "the name of the input",
      operatorModel("Neg"),
      [{ name: "a", input: "y", example: 1 }],
      'feature "a" is for input y, and the model\'s inputs are x',
    ],
    [
      "a table of texts",
      operatorModel("Identity", { columns: 2, type: "string" }),
      numbers("a", "b"),
      "input x has 2 columns and takes string: export the model with one input for each feature",
    ],
    [
      "several tables",
      smallModel({
        inputs: [
          { name: "x", type: "float32", shape: ["N", 2] },
          { name: "z", type: "float32", shape: ["N", 1] },
        ],
        outputs: [{ name: "y", type: "float32", shape: ["N", 2] }],
        nodes: [{ operator: "Add", inputs: ["x", "z"], output: "y" }],
      }),
      numbers("x", "z"),
      "input x has 2 columns and is not the only one: export the model with one input for each feature",
    ],
    [
      "a vector",
      smallModel({
        inputs: [{ name: "x", type: "float32", shape: ["N"] }],
        outputs: [{ name: "y", type: "float32", shape: ["N"] }],
        nodes: [{ operator: "Neg", inputs: ["x"], output: "y" }],
      }),
      numbers("x"),
      "input x has rank 1; a table has rows and columns, so its shape is [N, k]",
    ],
    [
      "what the model can predict from",
      smallModel({
        inputs: [{ name: "x", type: "float32", shape: ["N", "k"] }],
        outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
        nodes: [{ operator: "Gemm", inputs: ["x", "x"], output: "y" }],
      }),
      numbers("x", "z"),
      "ONNX Runtime cannot predict from the features' examples: ",
    ],
  ])(
    "a model is rejected at startup if its table does not match the card: %s",
    async (_, onnx, features, message) => {
      await expect(appOfModel(onnx, { features })).rejects.toThrow(`cannot be served: ${message}`);
    },
  );
});

describe("an invalid card", () => {
  const feature = (change: object) => ({ features: [{ name: "área 1", example: 1, ...change }] });
  const category = { type: "category", categories: ["x"], example: "x" };

  test.each<[string, object, RegExp]>([
    ["an unknown member", { features: numbers("a"), extra: 1 }, /Unrecognized key: "extra"/],
    [
      "a version that is not a digest",
      { features: numbers("a"), version: "1" },
      /version: a SHA-256 in hex/,
    ],
    [
      "another version",
      { features: numbers("a"), version: "0".repeat(64) },
      /is of another model: .* has SHA-256/,
    ],
    ["no features", { features: [] }, /features: /],
    ["a duplicate name", { features: numbers("a", "a") }, /features: must have different names/],
    [
      "an unknown member of a feature",
      feature({ max: 3 }),
      /feature "área 1": Unrecognized key: "max"/,
    ],
    [
      "a bound of a category",
      feature({ ...category, gt: 0 }),
      /feature "área 1": Unrecognized key: "gt"/,
    ],
    ["an unknown type", feature({ type: "date" }), /feature "área 1", type: Invalid/],
    [
      "an integer's bound beyond 2^24",
      feature({ type: "integer", le: 2 ** 24 + 1 }),
      /feature "área 1", le: must be at most 2\^24: above, float32/,
    ],
    [
      "an integer's bound below -2^24",
      feature({ type: "integer", gt: -(2 ** 24) - 1 }),
      /feature "área 1", gt: must be at least -2\^24/,
    ],
    [
      "an integer's example beyond 2^24",
      feature({ type: "integer", example: 2 ** 24 + 1 }),
      /feature "área 1", example: must be at most/,
    ],
    [
      "an integer's bound with a fraction",
      feature({ type: "integer", ge: 0.5 }),
      /feature "área 1", ge: .*int/,
    ],
    ["no categories", feature({ ...category, categories: [] }), /feature "área 1", categories: /],
    [
      "a category twice",
      feature({ ...category, categories: ["x", "x"] }),
      /feature "área 1", categories: must differ from each other/,
    ],
    [
      "half a character",
      feature({ ...category, categories: ["\ud800", "x"] }),
      /feature "área 1", categories, 0: must be well-formed Unicode/,
    ],
    ["no example", feature({ example: undefined }), /feature "área 1", example: /],
    [
      "bounds that exclude the example",
      feature({ lt: 1 }),
      /the example of feature "área 1" is not valid: Input should be less than 1/,
    ],
    [
      "bounds that exclude everything",
      feature({ type: "integer", ge: 2, le: 0 }),
      /the example of feature "área 1" is not valid/,
    ],
    [
      "an example that is no category",
      feature({ ...category, example: "y" }),
      /the example of feature "área 1" is not valid: Input should be 'x'/,
    ],
  ])("a card with %s is rejected", async (_, card, message) => {
    await expect(appOfModel(operatorModel("Neg"), card)).rejects.toThrow(message);
  });
});

describe("unusual feature names", () => {
  const names = [
    "__proto__",
    'say "hi"',
    "área (m²)",
    "a.b/c[0]",
    "constructor",
    "10",
    "2",
    "\u{1f600}",
  ];

  test("features can have unusual names in requests, errors and the OpenAPI document", async () => {
    const onnx = operatorModel("Identity", { columns: names.length });
    const app = await appOfModel(onnx, { features: numbers(...names) });
    const record = `{${names.map((name, index) => `${JSON.stringify(name)}:${index}`).join(",")}}`;
    expect(await predictOne(app, record)).toEqual(names.map((_, index) => index));
    expect(await predictOne(app, record.replace('"10":5,"2":6', '"2":6,"10":5'))).toEqual(
      names.map((_, index) => index),
    );
    const { detail } = Object(await (await post(app, "/predict", {})).json());
    expect(detail.map(({ loc }: { loc: string[] }) => loc[1])).toEqual(names);
    const { Record } = await schemasOf(app);
    expect(Record).toMatchObject({ required: expect.arrayContaining(names) });
    const { properties } = Object(Record);
    expect(Object.keys(properties).toSorted()).toEqual(names.toSorted());
  });
});

test("a model can have 1,000 features", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `feature ${index}`);
  const onnx = operatorModel("Neg", { columns: names.length });
  const app = await appOfModel(onnx, { features: numbers(...names) });
  const record = Object.fromEntries(names.map((name, index) => [name, index]));
  const expected = names.map((_, index) => 0 - index);
  expect(await predictMany(app, [record, record])).toEqual([expected, expected]);
  await schemasOf(app);
});

test("a category can have 1,000 texts", async () => {
  const categories = Array.from({ length: 1000 }, (_, index) => `text ${index}`);
  const features = [{ name: "a", type: "category", categories, example: "text 0" }];
  const app = await appOfModel(operatorModel("Identity"), { features });
  expect(await predictMany(app, [{ a: "text 999" }, { a: "text 1" }])).toEqual([999, 1]);
  const { detail } = Object(await (await post(app, "/predict", { a: "text 1000" })).json());
  expect(detail[0].msg).toMatch(/^Input should be 'text 0', 'text 1', .* or 'text 999'$/);
  await schemasOf(app);
});

test("the limits of an integer in the OpenAPI document are exactly those of the card", async () => {
  const features = [
    { name: "a", type: "integer", example: 1 },
    { name: "b", type: "integer", ge: 0, lt: 5, example: 1 },
  ];
  const app = await appOfModel(operatorModel("Neg", { columns: 2 }), { features });
  const { Record } = await schemasOf(app);
  expect(Object(Record).properties).toEqual({
    a: { type: "integer", examples: [1] },
    b: { type: "integer", minimum: 0, exclusiveMaximum: 5, examples: [1] },
  });
});

/** Returns the squares of 0 to 3. A larger number makes the run fail. */
const gather = smallModel({
  inputs: [{ name: "x", type: "int64", shape: ["N", 1] }],
  outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
  nodes: [
    {
      operator: "Constant",
      inputs: [],
      output: "numbers",
      attributes: { value_floats: { floats: [0, 1, 4, 9] } },
    },
    { operator: "Gather", inputs: ["numbers", "x"], output: "y" },
  ],
});

test("a model that fails for one record does not fail other requests", async () => {
  const features = [{ name: "a", type: "integer", example: 1 }];
  const app = await appOfModel(gather, { features });
  const statuses = await Promise.all(
    [2, 99, 3].map(async (a) => {
      const response = await post(app, "/predict", { a });
      return [response.status, await response.text()];
    }),
  );
  expect(statuses).toEqual([
    [200, '{"prediction":4}'],
    [500, '{"detail":"Internal Server Error"}'],
    [200, '{"prediction":9}'],
  ]);
});

describe("batches", () => {
  const coefficients = Array.from({ length: 7 }, (_, index) => Math.sin(index + 1));
  const linear = smallModel({
    inputs: [{ name: "x", type: "float32", shape: ["N", 7] }],
    outputs: [{ name: "y", type: "float32", shape: ["N", 1] }],
    nodes: [
      {
        operator: "LinearRegressor",
        domain: "ai.onnx.ml",
        inputs: ["x"],
        output: "y",
        attributes: { coefficients: { floats: coefficients } },
      },
    ],
  });
  const models: [string, Uint8Array][] = [
    ["LinearRegressor", linear],
    ...["Log", "Sin", "Softplus"].map((operator): [string, Uint8Array] => [
      operator,
      operatorModel(operator, { columns: 7 }),
    ]),
  ];
  const row = fc.array(fc.float({ noNaN: true, min: Math.fround(0.1), max: 5 }), {
    minLength: 7,
    maxLength: 7,
  });

  test.each(models)(
    "the prediction of a row does not depend on the other rows, bit for bit: %s",
    async (_, onnx) => {
      const names = ["a", "b", "c", "d", "e", "f", "g"];
      const path = modelFiles(onnx, { features: numbers(...names) });
      const { engine } = await loadModel(path, 1);
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
          const together = await engine.predict(Float32Array.from(rows.flat()));
          const alone = [];
          for (const each of rows) alone.push(...(await engine.predict(Float32Array.from(each))));
          expect([...together]).toEqual(alone);
        }),
        { numRuns: 30 },
      );
    },
  );
});
