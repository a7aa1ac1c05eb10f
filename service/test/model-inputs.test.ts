import { describe, expect, test } from "vitest";
import { castTo, mixedModel, operatorModel, smallModel } from "../../model/test/small-models.ts";
import { post } from "./app-under-test.ts";
import { appOfModel, numbers, predictMany, predictOne, schemasOf } from "./model-under-test.ts";

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
  const types = ["float32", "float64", "int64", "int32", "bool", "string"] as const;
  const mixed = mixedModel(
    types.map((type) => ({ name: `in_${type}`, type })),
    { Süd: 10, 'the "old" town': 20 },
  );
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

  test("values that the card does not allow get the errors of pydantic", async () => {
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
      'feature "rooms" is for input in_int6, but the model\'s inputs are in_float32, in_float64, in_int64, in_int32, in_bool, in_string',
    ],
    [
      "an input twice",
      changed("rooms", { input: "in_int32" }),
      "the card has no feature for input in_int64",
    ],
    [
      "too few features",
      features.slice(1),
      'the card has no feature for input in_string: give one feature the name of the input as "input"',
    ],
    [
      "too many features",
      [...features, { name: "more", example: 1 }],
      'the model has no input for feature "more"; its inputs are in_float32',
    ],
    [
      "a feature of another type",
      changed("rooms", { type: "number" }),
      'feature "rooms" is of type number, and input in_int64 takes int64: its type can be integer, boolean, category',
    ],
    [
      "a number for a string",
      changed("district", { type: "integer", example: 1, categories: undefined }),
      'feature "district" is of type integer, and input in_string takes string: its type can be category',
    ],
  ])("a model with one input per feature is rejected with %s", async (_, wrong, message) => {
    await expect(appOfModel(mixed, { features: wrong })).rejects.toThrow(message);
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
      'feature "a" is for input y, but the model\'s inputs are x',
    ],
    [
      "a table of strings",
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
