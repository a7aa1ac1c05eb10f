import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { ExplainThread } from "../../src/explain/explain-thread.ts";
import { drawTypicalRows } from "../../src/explain/typical-rows.ts";
import { loadModel } from "../../src/model/loaded-model.ts";
import { appUnderTest, defaultLimits, post } from "../app-under-test.ts";
import { openCache } from "../cache-under-test.ts";
import { house, houseCard, houseTrees, modelPath } from "../house-model.ts";
import { appOf, appOfModel, modelFiles, numbers, schemasOf } from "../model-under-test.ts";
import { ensembleNode, type TestTree } from "../trees/ensembles.ts";
import { type Node, onnxFile } from "../trees/onnx-writer.ts";

const Explanation = z.strictObject({
  prediction: z.number(),
  baseline: z.number(),
  contributions: z.record(z.string(), z.number()),
});
const Explanations = z.strictObject({ explanations: z.array(Explanation) });

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

async function jsonOf(response: Response | Promise<Response>): Promise<unknown> {
  return (await response).json();
}

/** Rows of the committed model as records. */
function houses(count: number): Record<string, number>[] {
  const matrix = drawTypicalRows(houseCard.features, count);
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      houseCard.features.map(({ name }, column) => [name, matrix[row * 8 + column] ?? 0]),
    ),
  );
}

test("the baseline and the contributions add up to the prediction of each house", async () => {
  const app = await appOf(modelPath);
  const list = houses(200);
  const { explanations } = Explanations.parse(
    await jsonOf(post(app, "/bulk_explain", { houses: list })),
  );
  const predicted = await jsonOf(post(app, "/bulk_predict", { houses: list }));
  expect({ predictions: explanations.map(({ prediction }) => prediction) }).toEqual(predicted);
  for (const { prediction, baseline, contributions } of explanations) {
    expect(Object.keys(contributions)).toEqual(houseCard.features.map(({ name }) => name));
    expect(Math.abs(baseline + sum(Object.values(contributions)) - prediction)).toBeLessThan(1e-4);
  }
});

test("/explain returns the same as /bulk_explain for each house", async () => {
  const app = await appOf(modelPath);
  const list = houses(5);
  const { explanations } = Explanations.parse(
    await jsonOf(post(app, "/bulk_explain", { houses: list })),
  );
  const single = await Promise.all(list.map((each) => jsonOf(post(app, "/explain", each))));
  expect(single).toEqual(explanations);
});

test("features that raise the prediction have positive contributions", async () => {
  const app = await appOf(modelPath);
  const rich = Explanation.parse(await jsonOf(post(app, "/explain", { ...house, MedInc: 12 })));
  const poor = Explanation.parse(await jsonOf(post(app, "/explain", { ...house, MedInc: 1 })));
  const ofIncome = ({ contributions: { MedInc = 0 } }: z.infer<typeof Explanation>) => MedInc;
  expect(ofIncome(rich)).toBeGreaterThan(0);
  expect(ofIncome(poor)).toBeLessThan(0);
  expect(rich.baseline).toBe(poor.baseline);
});

test("an empty list has no explanations", async () => {
  const response = await post(appUnderTest(), "/bulk_explain", { houses: [] });
  expect(await response.json()).toEqual({ explanations: [] });
});

test.each(["/explain", "/bulk_explain"])("%s validates like predictions", async (path) => {
  const app = appUnderTest();
  const predictPath = path.replace("explain", "predict");
  const bodies = [
    {},
    { houses: 7 },
    { ...house, MedInc: 0, x: 1 },
    "{",
    { houses: [{ ...house, Latitude: "north" }] },
  ];
  for (const body of bodies) {
    const [refused, expected] = await Promise.all([
      post(app, path, body),
      post(app, predictPath, body),
    ]);
    expect(refused.status).toBe(422);
    expect(await refused.text()).toBe(await expected.text());
  }
});

test.each([false, true])("MAX_EXPLAINED limits lists (longer than 64 KiB: %s)", async (isLong) => {
  const app = appUnderTest({ limits: { maxExplained: 2 } });
  const padding = " ".repeat(isLong ? 100_000 : 0);
  const body = (count: number) => JSON.stringify({ houses: Array(count).fill(house) }) + padding;
  expect((await post(app, "/bulk_explain", body(2))).status).toBe(200);
  const response = await post(app, "/bulk_explain", body(3));
  expect(response.status).toBe(422);
  expect(await response.json()).toEqual({
    detail: [
      {
        type: "too_long",
        loc: ["body", "houses"],
        msg: "List should have at most 2 items after validation, not 3",
        ctx: { field_type: "List", max_length: 2, actual_length: 3 },
      },
    ],
  });
  expect((await post(app, "/bulk_predict", body(3))).status).toBe(200);
});

test("explanations are cached apart from predictions", async () => {
  const cache = await openCache();
  const app = appUnderTest({ cache: cache.readThrough });
  const answers: unknown[] = [];
  for (const path of ["/predict", "/explain", "/explain", "/bulk_explain", "/bulk_explain"]) {
    const body = path === "/bulk_explain" ? { houses: [house] } : house;
    const { headers } = await post(app, path, body);
    answers.push([path, headers.get("x-cache")]);
  }
  expect(answers).toEqual([
    ["/predict", "MISS"],
    ["/explain", "MISS"],
    ["/explain", "HIT"],
    ["/bulk_explain", "MISS"],
    ["/bulk_explain", "HIT"],
  ]);
});

test("explanations are not counted as drift", async () => {
  const drift = { count: vi.fn(), counts: vi.fn() };
  const app = appUnderTest({ driftOf: () => Object(drift) });
  await post(app, "/explain", house);
  expect(drift.count).not.toHaveBeenCalled();
  await post(app, "/predict", house);
  expect(drift.count).toHaveBeenCalledOnce();
});

test("other requests are answered while a list is explained", async () => {
  const app = await appOf(modelPath);
  await post(app, "/explain", house);
  const answered: string[] = [];
  const list = { houses: houses(defaultLimits.maxExplained) };
  const explaining = jsonOf(post(app, "/bulk_explain", list)).then(() => answered.push("list"));
  for (let i = 0; i < 5; i++) {
    await post(app, "/predict", { ...house, HouseAge: i });
    answered.push("house");
    await post(app, "/explain", { ...house, HouseAge: i });
    answered.push("explained house");
  }
  await explaining;
  expect(answered.at(-1)).toBe("list");
  expect(answered).toHaveLength(11);
});

const leaf = (...weights: number[]): TestTree => ({ weights });
const branch = (
  feature: number,
  value: number,
  whenTrue: TestTree,
  whenFalse: TestTree,
): TestTree => ({
  mode: "BRANCH_LEQ",
  feature,
  value,
  nanIsTrue: false,
  whenTrue,
  whenFalse,
});

const Numbers = z.array(z.number());
const OfClasses = z.strictObject({
  prediction: Numbers,
  margin: Numbers,
  baseline: Numbers,
  contributions: z.record(z.string(), Numbers),
});

/** A file whose prediction is the second output of a classifier. */
function classifierFile(): Uint8Array {
  const node = ensembleNode({
    operator: "TreeEnsembleClassifier",
    targets: 2,
    targetsOf: () => [0],
    transform: "LOGISTIC",
    trees: [branch(0, 1, leaf(-1), leaf(2)), branch(1, 3, leaf(0.5), leaf(-0.5))],
  });
  return onnxFile({
    inputs: { features: { type: "float", columns: 2 } },
    outputs: ["scores"],
    nodes: [node],
  });
}

test("probabilities are explained by their margins, which are log-odds", async () => {
  const app = await appOfModel(classifierFile(), {
    features: numbers("x", "y").map((feature) => ({ ...feature, minimum: 0, maximum: 4 })),
    target: { outputs: ["no", "yes"] },
  });
  const body = await jsonOf(post(app, "/explain", { x: 2, y: 2 }));
  const { prediction, margin, baseline, contributions } = OfClasses.parse(body);
  expect(margin).toEqual([-2.5, 2.5]);
  expect(prediction[1]).toBeCloseTo(1 / (1 + Math.exp(-2.5)), 6);
  for (const index of [0, 1]) {
    const parts = Object.values(contributions).map((each) => each[index] ?? 0);
    expect((baseline[index] ?? 0) + sum(parts)).toBeCloseTo(margin[index] ?? 0, 10);
  }
  expect(Object.keys(contributions)).toEqual(["x", "y"]);
});

test("the explanation of a probability in docs/explanations.md adds up", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/explanations.md"), "utf8");
  const [, json = ""] = /```json\n(.*"margin".*)\n```/.exec(text) ?? [];
  const { prediction, margin, baseline, contributions } = OfClasses.parse(JSON.parse(json));
  for (const [index, expected] of margin.entries()) {
    const parts = Object.values(contributions).map((each) => each[index] ?? 0);
    expect((baseline[index] ?? 0) + sum(parts)).toBeCloseTo(expected, 10);
    expect(prediction[index]).toBeCloseTo(1 / (1 + Math.exp(-expected)), 2);
  }
});

test("a model without covers is explained relative to the ranges of its card", async () => {
  const node = ensembleNode({
    operator: "TreeEnsembleRegressor",
    targets: 1,
    trees: [branch(0, 1, leaf(10), leaf(20))],
  });
  const file = onnxFile({
    inputs: { features: { type: "float", columns: 2 } },
    outputs: ["scores"],
    nodes: [node],
  });
  const [x, y] = numbers("x", "y");
  const app = await appOfModel(file, { features: [{ ...x, minimum: 0, maximum: 4 }, y] });
  const { prediction, baseline, contributions } = Explanation.parse(
    await jsonOf(post(app, "/explain", { x: 0, y: 5 })),
  );
  expect(prediction).toBe(10);
  expect(baseline).toBeCloseTo(17.5, 0);
  expect(contributions).toEqual({ x: 10 - baseline, y: 0 });
});

const refusals: readonly (readonly [string, Node, string])[] = [
  [
    "no trees",
    { operator: "Add", inputs: ["features", "features"], outputs: ["scores"] },
    "its prediction is not a sum of trees",
  ],
  [
    "an operator that is not compiled",
    { operator: "Softmax", inputs: ["features"], outputs: ["scores"] },
    "operator Softmax is not compiled",
  ],
];

test.each(refusals)("a model with %s gets a 422 that says why", async (_, node, reason) => {
  const file = onnxFile({
    inputs: { features: { type: "float", columns: 2 } },
    outputs: ["scores"],
    nodes: [node],
  });
  const app = await appOfModel(file, { features: numbers("x", "y") });
  const msg = `The model's predictions cannot be explained: ${reason}`;
  const detail = [{ type: "not_explainable", loc: ["body"], msg }];
  for (const [path, body] of [
    ["/explain", { x: 1, y: 2 }],
    ["/explain", { x: 1, y: 2 }],
    ["/bulk_explain", { records: [{ x: 1, y: 2 }] }],
  ] as const) {
    const response = await post(app, path, body);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ detail });
  }
});

test("covers of another model get a 422 that says what to do", async () => {
  const { version, ...card } = houseCard;
  const path = modelFiles(readFileSync(modelPath), { ...card, covers: "AQID" });
  const response = await post(await appOf(path), "/explain", house);
  expect(response.status).toBe(422);
  expect(await response.text()).toMatch(
    /its card has 3 covers for \d+ leaves; write the card again/,
  );
});

test("a file that has changed since it was loaded is not used for explanations", async () => {
  const model = await loadModel(modelPath, 10);
  onTestFinished(() => model.release());
  const { features, covers } = houseCard;
  const task = {
    path: modelPath,
    version: "0".repeat(64),
    options: houseTrees,
    features,
    outputs: 1,
    covers,
  };
  const thread = new ExplainThread(task);
  await expect(thread.explain(model.example)).rejects.toThrow(`${modelPath} has changed`);
});

test("a model that needs too much memory is not explained, and the process continues", async () => {
  const { version, features, covers } = houseCard;
  const task = { path: modelPath, version, options: houseTrees, features, outputs: 1, covers };
  const thread = new ExplainThread(task, 8);
  const reason = "explaining it needs more than 8 MiB of memory";
  await expect(thread.explain(new Float32Array(8))).rejects.toThrow(reason);
  await expect(thread.explain(new Float32Array(8))).rejects.toThrow(reason);
});

test("the OpenAPI document describes explanations, and their limit", async () => {
  const app = appUnderTest({ limits: { maxExplained: 12 } });
  const schemas = await schemasOf(app);
  expect(schemas).toMatchObject({
    BulkHouse: { properties: { houses: { items: { $ref: "#/components/schemas/House" } } } },
    BulkHouseToExplain: {
      properties: { houses: { maxItems: 12, items: { $ref: "#/components/schemas/House" } } },
    },
    HouseExplanation: { required: ["prediction", "baseline", "contributions"] },
    BulkHouseExplanation: { required: ["explanations"] },
  });
  const document: unknown = await jsonOf(app.request("/openapi.json"));
  expect(document).toMatchObject({
    paths: {
      "/explain": { post: { operationId: "explain_explain_post" } },
      "/bulk_explain": { post: { operationId: "bulk_explain_bulk_explain_post" } },
    },
  });
});
