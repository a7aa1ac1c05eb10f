import { describe, expect, test } from "vitest";
import { operatorModel } from "../../model/test/small-models.ts";
import { post } from "./app-under-test.ts";
import { appOfModel, numbers, predictMany, predictOne, schemasOf } from "./model-under-test.ts";

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
      /describes another model: .* has SHA-256/,
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
      "an example that is not a category",
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

test("a feature can have 1,000 categories", async () => {
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
