import { beforeAll, describe, expect, test } from "vitest";
import { type LoadedModel, loadModel } from "../src/model/loaded-model.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import { openCache } from "./cache-under-test.ts";
import { house, modelPath } from "./house-model.ts";

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(modelPath, 10);
  return () => model.release();
});

const detailOf = async (response: Response) => Object(await response.json()).detail;

describe("an invalid interval", () => {
  test.each([
    ["x", "float_parsing", "Input should be a valid number, unable to parse string as a number"],
    ["", "float_parsing", "Input should be a valid number, unable to parse string as a number"],
    ["1", "less_than_equal", "Input should be less than or equal to 0.99"],
    ["0.49", "greater_than_equal", "Input should be greater than or equal to 0.5"],
    ["nan", "finite_number", "Input should be a finite number"],
  ])("?interval=%s gets 422 with FastAPI's error %s", async (input, type, msg) => {
    const app = appUnderTest({ model });
    for (const [path, body] of [
      ["/predict", house],
      ["/bulk_predict", { houses: [house] }],
    ] as const) {
      const response = await post(app, `${path}?interval=${input}`, body);
      expect(response.status).toBe(422);
      expect(await detailOf(response)).toEqual([
        expect.objectContaining({ type, loc: ["query", "interval"], msg, input }),
      ]);
    }
  });

  test("a model without intervals gets 422 for a request with ?interval", async () => {
    const { intervals, ...rest } = model;
    const response = await post(appUnderTest({ model: rest }), "/predict?interval=0.9", house);
    expect(response.status).toBe(422);
    expect(await detailOf(response)).toEqual([
      {
        type: "no_intervals",
        loc: ["query", "interval"],
        msg: "The model has no prediction intervals",
        input: "0.9",
      },
    ]);
  });

  test("an invalid body gets the same response with and without an interval", async () => {
    const app = appUnderTest({ model });
    const plain = await post(app, "/predict", { ...house, MedInc: -1 });
    const response = await post(app, "/predict?interval=0.9", { ...house, MedInc: -1 });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual(await plain.json());
  });
});

/** Predicts with the app, and returns the body. */
async function bodyOf(app: ReturnType<typeof appUnderTest>, path: string, body: unknown) {
  const response = await post(app, path, body);
  expect(response.status).toBe(200);
  return Object(await response.json());
}

describe("predictions with intervals", () => {
  test("an interval does not change the prediction, and a higher level has a wider interval", async () => {
    const app = appUnderTest({ model });
    const { prediction } = await bodyOf(app, "/predict", house);
    const levels = ["0.5", "0.8", "0.9", "0.95", "0.99"];
    const widths: number[] = [];
    for (const level of levels) {
      const found = await bodyOf(app, `/predict?interval=${level}`, house);
      const [low, high] = found.interval;
      expect(found).toEqual({ prediction, interval: [low, high] });
      expect(low).toBeLessThan(prediction);
      expect(high).toBeGreaterThan(prediction);
      widths.push(high - low);
    }
    expect(widths).toEqual(widths.toSorted((one, other) => one - other));
  });

  test("a list has one interval per prediction, with those of single records", async () => {
    const app = appUnderTest({ model });
    const houses = [1, 2, 3, 8].map((MedInc) => ({ ...house, MedInc }));
    const { predictions, intervals } = await bodyOf(app, "/bulk_predict?interval=0.8", { houses });
    expect(intervals).toHaveLength(houses.length);
    for (const [index, each] of houses.entries()) {
      const one = await bodyOf(app, "/predict?interval=0.8", each);
      expect(one).toEqual({ prediction: predictions[index], interval: intervals[index] });
    }
    const none = await bodyOf(app, "/bulk_predict?interval=0.8", { houses: [] });
    expect(none).toEqual({ predictions: [], intervals: [] });
  });

  test("each level is cached under its own key", async () => {
    const app = appUnderTest({ model, cache: (await openCache()).readThrough });
    const ask = async (path: string, body: unknown) =>
      (await post(app, path, body)).headers.get("x-cache");
    for (const [path, body] of [
      ["/predict", house],
      ["/bulk_predict", { houses: [house] }],
    ] as const) {
      for (const query of ["", "?interval=0.8", "?interval=0.9"]) {
        expect(await ask(path + query, body), path + query).toBe("MISS");
        expect(await ask(path + query, body), path + query).toBe("HIT");
      }
      expect(await ask(`${path}?interval=0.80`, body)).toBe("HIT");
      expect(await ask(`${path}?other=1`, body)).toBe("HIT");
    }
  });
});

test("the OpenAPI document describes the parameter only if the model has intervals", async () => {
  const parametersOf = async (model: LoadedModel) => {
    const document = Object(await (await appUnderTest({ model }).request("/openapi.json")).json());
    return document.paths["/predict"].post.parameters.map(({ name }: { name: string }) => name);
  };
  expect(await parametersOf(model)).toContain("interval");
  const { intervals, ...rest } = model;
  expect(await parametersOf(rest)).not.toContain("interval");
});
