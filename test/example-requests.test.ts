import { describe, expect, test } from "vitest";
import { exampleRequests } from "../scripts/example-requests.ts";
import { type CardFeature, ModelCard } from "../service/src/model/card.ts";
import { createRecordReader } from "../service/src/records/reader.ts";
import { schemas, usualRecord } from "../service/test/record-arbitraries.ts";
import { fc } from "./seeded-fast-check.ts";

const cardOf = (features: unknown, plural = "items") =>
  ModelCard.parse({
    name: "test",
    version: "0".repeat(64),
    record: { singular: "item", plural },
    features,
  });

/** Any card, whose ranges may contradict its bounds. */
const cards = schemas.chain((schema) => {
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

test("the valid example requests of any card are accepted by the service", () => {
  fc.assert(
    fc.property(cards, (card) => {
      const { example, other, fresh } = exampleRequests(card);
      const reader = createRecordReader(card, 100);
      for (const body of [example, other]) reader.one(Buffer.from(body));
      reader.many(Buffer.from(fresh));
    }),
  );
});

test("the invalid example requests of any card lack fields, have an unknown one, and a wrong type", () => {
  fc.assert(
    fc.property(cards, (card) => {
      const { invalid } = exampleRequests(card);
      expect(invalid.map(({ response }) => JSON.parse(response).detail[0].type)).toEqual([
        "missing",
        "extra_forbidden",
        expect.stringMatching(/_parsing$|^literal_error$/),
      ]);
    }),
  );
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
  ])("a fresh request for %s has enough records to be new", (_, features, records) => {
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
