import { expect, test } from "vitest";
import { z } from "zod";
import { bodyHeader, newBodies, readPredictions } from "../src/request-bodies.ts";

const House = z.record(z.string(), z.number());
const List = z.object({ houses: z.array(House) });

const take = (next: () => string, count: number) => Array.from({ length: count }, next);

test("new bodies of /predict differ from each other, in every feature", () => {
  const bodies = take(newBodies("/predict", 1, 1), 10_000);

  expect(new Set(bodies).size).toBe(10_000);
  const houses = bodies.map((body) => House.parse(JSON.parse(body)));
  for (const feature of Object.keys(houses[0] ?? {})) {
    expect(new Set(houses.map((house) => house[feature])).size).toBeGreaterThan(50);
  }
});

test.each([1, 10, 1_000, 10_000])(
  "new bodies of /bulk_predict with %d houses have different houses, not only a different first one",
  (length) => {
    const bodies = take(newBodies("/bulk_predict", length, 1), 16);

    const lists = bodies.map((body) => List.parse(JSON.parse(body)).houses);
    for (const houses of lists) expect(houses).toHaveLength(length);
    const different = new Set(lists.flat().map((house) => JSON.stringify(house)));
    expect(different.size).toBeGreaterThan(Math.min(10_000, 15 * length));
  },
);

test("new bodies are the same for the same seed, and different for another seed", () => {
  const first = take(newBodies("/predict", 1, 1), 5);

  expect(take(newBodies("/predict", 1, 1), 5)).toEqual(first);
  expect(new Set([...first, ...take(newBodies("/predict", 1, 2), 5)]).size).toBe(10);
});

test("new bodies of the Open Inference Protocol have the same houses as those of /bulk_predict", () => {
  const next = newBodies("/v2/models/housing/infer", 100, 1);
  const lists = take(newBodies("/bulk_predict", 100, 1), 20).map((body) =>
    List.parse(JSON.parse(body)).houses.flatMap((house) => Object.values(house)),
  );

  for (const list of lists) {
    expect(JSON.parse(next())).toEqual({
      inputs: [{ name: "houses", datatype: "FP32", shape: [100, 8], data: list }],
    });
  }
});

test("new binary bodies have the same houses as those in JSON", () => {
  const next = newBodies("/v2/models/housing/infer?binary", 100, 1);
  const [, length = ""] = bodyHeader("/v2/models/housing/infer?binary").split(": ");

  for (const body of take(newBodies("/v2/models/housing/infer", 100, 1), 20)) {
    const binary = Buffer.from(next(), "latin1");
    const { inputs, parameters } = JSON.parse(binary.toString("latin1", 0, Number(length)));
    expect(parameters).toEqual({ binary_data_output: true });
    expect(inputs[0].parameters).toEqual({ binary_data_size: binary.length - Number(length) });
    const bytes = Uint8Array.from(binary.subarray(Number(length)));
    const { data } = JSON.parse(body).inputs[0];
    expect(Array.from(new Float32Array(bytes.buffer))).toEqual(data.map(Math.fround));
  }
});

test("new bodies for an unknown path are an error", () => {
  expect(() => newBodies("/hello", 1, 1)).toThrow("/hello takes no houses");
});

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text)).buffer;

test.each([
  [{ prediction: 4.25 }, [4.25]],
  [{ predictions: [4.25, 2] }, [4.25, 2]],
  [
    [4.25, 2],
    [4.25, 2],
  ],
  [{ model_name: "housing", outputs: [{ name: "MedHouseVal", data: [4.25, 2] }] }, [4.25, 2]],
])("predictions are read from %j", (response, predictions) => {
  expect(readPredictions(bytesOf(JSON.stringify(response)))).toEqual(predictions);
});

test("predictions are read from the bytes after the JSON", () => {
  const response = Buffer.concat([Buffer.from("{}"), Buffer.from(Float32Array.of(4.25, 2).buffer)]);
  expect(readPredictions(Uint8Array.from(response).buffer, "2")).toEqual([4.25, 2]);
});

test("missing predictions are an error", () => {
  expect(() => readPredictions(bytesOf('{"detail":"Not Found"}'))).toThrow("Invalid input");
});
