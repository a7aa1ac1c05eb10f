import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleRequests } from "../scripts/example-requests.ts";
import { type CardFeature, ModelCard } from "../service/src/model/card.ts";
import { createRecordReader } from "../service/src/records/reader.ts";
import { Refusal } from "../service/src/wire/refusal.ts";
import { schemas, usualRecord } from "../service/test/record-arbitraries.ts";

const maxRecords = 100;

const cardOf = (features: unknown, plural = "items") =>
  ModelCard.parse({
    name: "test",
    version: "0".repeat(64),
    record: { singular: "item", plural },
    features,
  });

/** Characters that Python does not escape. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

/** Any card, with ranges that may contradict the bounds. */
const cards = schemas
  .filter(({ features }) =>
    features.every(({ categories = [] }) => categories.every((text) => printable.test(text))),
  )
  .chain((schema) => {
    const range = fc.option(fc.tuple(fc.integer({ min: -200, max: 200 }), fc.nat(20)), {
      nil: undefined,
    });
    return fc
      .tuple(usualRecord(schema), fc.array(range, { minLength: 6, maxLength: 6 }))
      .map(([{ text }, ranges]) =>
        cardOf(
          schema.features.map((feature, index) => {
            const { [feature.name]: example } = JSON.parse(text);
            const [minimum = 0, length = 0] = ranges[index] ?? [];
            const isNumeric = feature.type === "number" || feature.type === "integer";
            const spread = ranges[index] && isNumeric ? { minimum, maximum: minimum + length } : {};
            return { ...feature, ...spread, example };
          }),
          schema.record.plural,
        ),
      );
  });

/** Returns the error response of the service; undefined if it accepts the request. */
function refusalOf(card: ModelCard, { path, body }: { path: string; body: string }) {
  const reader = createRecordReader(card, maxRecords);
  try {
    reader[path === "/predict" ? "one" : "many"](Buffer.from(body));
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: Buffer.from(error.body).toString() };
  }
}

describe("the example requests of any card", () => {
  test("the valid example requests of any card are accepted by the service", () => {
    fc.assert(
      fc.property(cards, (card) => {
        const { example, other, fresh } = exampleRequests(card);
        for (const body of [example, other]) {
          expect(refusalOf(card, { path: "/predict", body })).toBeUndefined();
        }
        expect(refusalOf(card, { path: "/bulk_predict", body: fresh })).toBeUndefined();
      }),
    );
  });

  test("the invalid example requests of any card get the expected response from the service", () => {
    fc.assert(
      fc.property(cards, (card) => {
        const { invalid } = exampleRequests(card);
        expect(invalid).toHaveLength(3);
        for (const { response, ...request } of invalid) {
          expect(refusalOf(card, request)).toEqual({ status: 422, body: response });
        }
      }),
    );
  });
});

describe("a fresh request", () => {
  const yes: Partial<CardFeature> = { type: "boolean", example: true };
  const number = { type: "number", example: 1 };

  test.each<[what: string, features: object[], records: number]>([
    ["three numbers", [number, number, number], 1],
    ["one number", [number], 3],
    ["one boolean", [yes], 32],
    ["a number with one value", [{ ...number, ge: 1, le: 1 }], 32],
    [
      "an integer with 16 million values",
      [{ type: "integer", example: 0, minimum: -8, maximum: 2 ** 24 }],
      2,
    ],
  ])("a fresh request for %s has as many records as make it new", (_, features, records) => {
    const card = cardOf(features.map((feature, index) => ({ name: `f${index}`, ...feature })));
    const { fresh } = exampleRequests(card);
    expect(fresh.match(/"f0":/g)).toHaveLength(records);
  });

  test("a fresh request is different each time", () => {
    const card = cardOf([{ name: "yes", ...yes }]);
    const bodies = Array.from({ length: 20 }, () => exampleRequests(card).fresh);
    expect(new Set(bodies).size).toBe(bodies.length);
  });
});

test("integer names keep their order, and the unknown name differs from all others", () => {
  const features = ["10", "2", "unknown"].map((name) => ({ name, example: 1 }));
  const { example, invalid } = exampleRequests(cardOf(features));
  expect(example).toBe('{"10":1,"2":1,"unknown":1}');
  expect(invalid.map(({ body }) => body)).toContain('{"10":1,"2":1,"unknown":1,"unknown_":true}');
});
