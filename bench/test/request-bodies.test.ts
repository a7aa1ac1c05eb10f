import { expect, test } from "vitest";
import { z } from "zod";
import { bodyHeader, newBodies, readPredictions } from "../src/request-bodies.ts";

const House = z.record(z.string(), z.number());
const List = z.object({ houses: z.array(House) });

const take = (path: string, houses: number, count: number, seed = 1) =>
  Array.from({ length: count }, newBodies(path, houses, seed));

test("new bodies of /predict differ from each other, in every feature", () => {
  const bodies = take("/predict", 1, 10_000);

  expect(new Set(bodies).size).toBe(10_000);
  const houses = bodies.map((body) => House.parse(JSON.parse(body)));
  for (const feature of Object.keys(houses[0] ?? {})) {
    expect(new Set(houses.map((house) => house[feature])).size).toBeGreaterThan(50);
  }
});

test.each([1, 10, 1_000, 10_000])(
  "new bodies of /bulk_predict with %d houses have different houses, not only a different first one",
  (length) => {
    const lists = take("/bulk_predict", length, 16).map((body) => List.parse(JSON.parse(body)));

    for (const { houses } of lists) expect(houses).toHaveLength(length);
    const different = new Set(
      lists.flatMap(({ houses }) => houses.map((one) => JSON.stringify(one))),
    );
    expect(different.size).toBeGreaterThan(Math.min(10_000, 15 * length));
  },
);

test("new bodies are the same for the same seed, and different for another seed", () => {
  const first = take("/predict", 1, 5);

  expect(take("/predict", 1, 5)).toEqual(first);
  expect(new Set([...first, ...take("/predict", 1, 5, 2)]).size).toBe(10);
});

test("new bodies of the Open Inference Protocol have the same houses, in JSON and in bytes", () => {
  const infer = "/v2/models/housing/infer";
  const lists = take("/bulk_predict", 100, 20).map((body) => List.parse(JSON.parse(body)).houses);
  const json = take(infer, 100, 20).map((body) => JSON.parse(body));
  const binary = take(`${infer}?binary`, 100, 20).map((body) => Buffer.from(body, "latin1"));
  const length = Number(bodyHeader(`${infer}?binary`).split(": ")[1]);

  for (const [index, houses] of lists.entries()) {
    const data = houses.flatMap((house) => Object.values(house));
    const tensor = { name: "houses", datatype: "FP32", shape: [100, 8] };
    expect(json[index]).toEqual({ inputs: [{ ...tensor, data }] });
    const floats = Buffer.from(Float32Array.from(data).buffer);
    expect(binary[index]?.subarray(length)).toEqual(floats);
    expect(JSON.parse(binary[index]?.toString("latin1", 0, length) ?? "")).toEqual({
      inputs: [{ ...tensor, parameters: { binary_data_size: floats.length } }],
      parameters: { binary_data_output: true },
    });
  }
});

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text)).buffer;

test.each([
  ['{"prediction":4.25}', [4.25]],
  ['{"predictions":[4.25,2]}', [4.25, 2]],
  ["[4.25]", [4.25]],
  ['{"model_name":"housing","outputs":[{"name":"y","data":[4.25,2]}]}', [4.25, 2]],
])("predictions are read from %s", (response, predictions) => {
  expect(readPredictions(bytesOf(response))).toEqual(predictions);
});

test("predictions are read from the bytes after the JSON", () => {
  const response = Buffer.concat([Buffer.from("{}"), Buffer.from(Float32Array.of(4.25, 2).buffer)]);
  expect(readPredictions(Uint8Array.from(response).buffer, "2")).toEqual([4.25, 2]);
});

test("missing predictions and unknown paths are errors", () => {
  expect(() => readPredictions(bytesOf('{"detail":"Not Found"}'))).toThrow("Invalid input");
  expect(() => newBodies("/hello", 1, 1)).toThrow("/hello takes no houses");
});
