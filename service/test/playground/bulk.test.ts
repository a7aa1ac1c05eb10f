import { expect, test } from "vitest";
import { BulkError, type Outcome, predictAll } from "../../src/playground/page/bulk.js";
import type { Reply } from "../../src/playground/page/client.js";
import { appUnderTest, post } from "../app-under-test.ts";
import { house } from "../house-model.ts";

const app = appUnderTest({ limits: { maxHouses: 300 } });

/** Sends requests to the app, and counts the records in each. */
function sender() {
  const sizes: number[] = [];
  async function send(body: unknown): Promise<Reply> {
    sizes.push(Object(body).houses.length);
    const response = await post(app, "/bulk_predict", body);
    const { status, headers } = response;
    return { path: "", status, headers, body: await response.json(), durationMs: 0 };
  }
  return { sizes, send };
}

async function predict(
  records: readonly unknown[],
  send: (body: unknown) => Promise<Reply>,
  signal = new AbortController().signal,
) {
  const outcomes: Outcome[] = [];
  await predictAll(records, {
    plural: "houses",
    maxRecords: 300,
    post: send,
    signal,
    onProgress: (done) => outcomes.push(...done),
  });
  return outcomes;
}

const reply = (status: number, body: unknown, headers = {}): Reply => ({
  path: "",
  status,
  body,
  headers: new Headers(headers),
  durationMs: 0,
});

const houses = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...house, MedInc: index + 1 }));

test("records are predicted in order, in batches that the service allows", async () => {
  const { sizes, send } = sender();
  const outcomes = await predict(houses(700), send);
  expect(outcomes.map(({ prediction }) => prediction)).toEqual(houses(700).map((h) => h.MedInc));
  expect(sizes).toEqual([300, 300, 100]);
});

test("an invalid record has pydantic's messages at its fields, and the others are predicted", async () => {
  const { sizes, send } = sender();
  const records: unknown[] = houses(5);
  records[1] = { ...house, MedInc: "-1", Latitude: "north" };
  records[3] = { MedInc: 3 };
  const outcomes = await predict(records, send);
  expect(outcomes.map(({ prediction }) => prediction)).toEqual([1, undefined, 3, undefined, 5]);
  expect(outcomes[1]?.errors).toEqual([
    { field: "MedInc", message: "Input should be greater than 0" },
    {
      field: "Latitude",
      message: "Input should be a valid number, unable to parse string as a number",
    },
  ]);
  expect(outcomes[3]?.errors).toContainEqual({ field: "HouseAge", message: "Field required" });
  expect(sizes).toEqual([5, 3]);
});

test("if the service reports only the first 1,000 errors, all invalid records are found", async () => {
  const { sizes, send } = sender();
  const outcomes = await predict(
    houses(300).map((_, index) => (index === 299 ? house : {})),
    send,
  );
  expect(outcomes.filter(({ errors }) => errors !== undefined)).toHaveLength(299);
  expect(outcomes[299]).toMatchObject({ prediction: Math.fround(house.MedInc) });
  expect(sizes.length).toBeGreaterThan(2);
});

test("an error of a whole record has no field", async () => {
  const [outcome] = await predict([7], sender().send);
  expect(outcome?.errors).toEqual([
    {
      field: undefined,
      message: "Input should be a valid dictionary or object to extract fields from",
    },
  ]);
});

test("intervals belong to their records", async () => {
  const body = {
    predictions: [1, 2],
    intervals: [
      [0, 2],
      [1, 3],
    ],
  };
  const outcomes = await predict([{}, {}], async () => reply(200, body));
  expect(outcomes).toEqual([
    { prediction: 1, interval: [0, 2] },
    { prediction: 2, interval: [1, 3] },
  ]);
});

test("while the service is overloaded, a batch is sent again after the time in Retry-After", async () => {
  let attempts = 0;
  const outcomes = await predict([house], async () => {
    attempts++;
    if (attempts < 3) return reply(503, { detail: "Service Unavailable" }, { "retry-after": "0" });
    return reply(200, { predictions: [4] });
  });
  expect(outcomes).toEqual([{ prediction: 4 }]);
  expect(attempts).toBe(3);
});

test("if the service stays overloaded, its message is reported", async () => {
  const overloaded = async () =>
    reply(503, { detail: "Service Unavailable" }, { "retry-after": "0" });
  await expect(predict([house], overloaded)).rejects.toThrow(
    new BulkError("Service Unavailable (status 503)"),
  );
});

test("any other error ends the predictions with the service's message", async () => {
  const { sizes, send } = sender();
  const failing = async (body: unknown) =>
    sizes.length === 0 ? send(body) : reply(413, { detail: "Content Too Large" });
  await expect(predict(houses(400), failing)).rejects.toThrow(
    new BulkError("Content Too Large (status 413)"),
  );
});

test("stopping while the service is overloaded does not wait for the next attempt", async () => {
  const stop = new AbortController();
  const overloaded = async () => {
    setImmediate(() => stop.abort());
    return reply(503, { detail: "Service Unavailable" }, { "retry-after": "3600" });
  };
  await expect(predict([house], overloaded, stop.signal)).rejects.toThrow(
    expect.objectContaining({ name: "AbortError" }),
  );
});
